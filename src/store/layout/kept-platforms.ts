import type { Descriptor } from "../../model/descriptor.ts";

/**
 * The annotation on an entry of `index.json` whose index is sparse: the platforms whose manifests came along, separated by
 * commas. What the index names besides may be missing.
 */
export const platformsAnnotation = "io.github.compose-image.platforms";

/** The platforms that a sparse index has its manifests of, as `formatPlatform` writes them; `undefined` for one with all. */
export function keptPlatforms({ annotations }: Descriptor): readonly string[] | undefined {
  const text = annotations?.[platformsAnnotation];
  return text?.split(",").map((platform) => platform.trim());
}

/**
 * The annotation on an image in a delta with the names of other repositories, separated by commas, in which its receiver has
 * blobs of it.
 */
export const elsewhereAnnotation = "io.github.compose-image.elsewhere";

/** The other repositories in which a delta's receiver has blobs of the image. */
export function elsewhereIn({ annotations }: Descriptor): readonly string[] {
  return annotations?.[elsewhereAnnotation]?.split(",") ?? [];
}

/** What of a descriptor's annotations goes with it into `index.json`: that it is sparse, and what a delta leaves out. */
export function sparseAnnotations({ annotations = {} }: Descriptor): Record<string, string> {
  const kept = [platformsAnnotation, elsewhereAnnotation];
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => kept.includes(key)));
}

/** Whether two entries name the same manifest, and the same of what is below it is there. */
export function isSameEntry(a: Descriptor, b: Descriptor): boolean {
  const [keptOfA, keptOfB] = [sparseAnnotations(a), sparseAnnotations(b)];
  const keys = new Set([...Object.keys(keptOfA), ...Object.keys(keptOfB)]);
  return a.digest === b.digest && [...keys].every((key) => keptOfA[key] === keptOfB[key]);
}
