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

/** What of a descriptor's annotations goes with it into `index.json`: that it is sparse. */
export function sparseAnnotations({ annotations }: Descriptor): Record<string, string> {
  const text = annotations?.[platformsAnnotation];
  return text === undefined ? {} : { [platformsAnnotation]: text };
}
