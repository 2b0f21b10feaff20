import type { Descriptor } from "./descriptor.ts";
import { ComposeImageError } from "./errors.ts";
import type { ImageIndex } from "./manifest.ts";
import { formatPlatform, hostPlatform, normalizePlatform, type Platform } from "./platform.ts";

/**
 * The index entries that are images: attestations (`unknown/unknown`) and entries without a platform are not.
 *
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
export function platformEntries({ manifests }: Pick<ImageIndex, "manifests">): Descriptor[] {
  return manifests.filter(({ platform }) => platform !== undefined && platform.os !== "unknown");
}

/** The platforms an index has images for, normalised, in its order, each once. */
export function platformsOf(index: ImageIndex): Platform[] {
  return distinctPlatforms(platformEntries(index).flatMap(({ platform }) => platform ?? []));
}

/** Platforms normalised, each once, in their order. */
export function distinctPlatforms(platforms: readonly Platform[]): Platform[] {
  const byName = new Map<string, Platform>();
  for (const platform of platforms) {
    const name = formatPlatform(platform);
    if (!byName.has(name)) byName.set(name, normalizePlatform(platform));
  }
  return [...byName.values()];
}

/**
 * Chooses the entry of an index for a platform. Without one asked for: the only one there is, else this machine's
 * architecture on linux. A variant is served by itself or a lower one, as containerd does.
 *
 * @param where names the image in errors.
 * @param flag what chooses its platform, for the hint.
 * @throws ComposeImageError `PLATFORM_NOT_FOUND` naming the platforms there are.
 */
export function selectPlatform(
  index: ImageIndex,
  wanted: Platform | undefined,
  where: string,
  flag = "--platform",
): Descriptor {
  const entries = platformEntries(index);
  const [only] = entries;
  if (wanted === undefined && entries.length === 1 && only !== undefined) return only;
  const platform = wanted ?? hostPlatform();
  for (const candidate of acceptable(platform)) {
    const found = entries.find((entry) => entry.platform && formatPlatform(entry.platform) === candidate);
    if (found !== undefined) return found;
  }
  const there = platformsOf(index).map(formatPlatform);
  throw new ComposeImageError("PLATFORM_NOT_FOUND", `${where} has no image for ${formatPlatform(platform)}`, {
    hint:
      there.length === 0
        ? "Its index names no platform at all."
        : `It has ${there.join(", ")}: choose one with ${flag}.`,
  });
}

/** Whether an image for one platform can stand in for another: it is the same, or has a lower variant. */
export function servesPlatform(actual: Platform, wanted: Platform): boolean {
  return acceptable(wanted).includes(formatPlatform(actual));
}

/** The platform and those that can stand in for it, best first, as text. */
function acceptable(platform: Platform): string[] {
  const wanted = normalizePlatform(platform);
  const match = /^v([0-9]{1,2})$/.exec(wanted.variant ?? "");
  const lowest = wanted.architecture === "arm" ? 5 : 1;
  if (match === null) return [formatPlatform(wanted)];
  const versions = Array.from(
    { length: Math.max(1, Number(match[1]) - lowest + 1) },
    (_, i) => Number(match[1]) - i,
  );
  return versions.map((version) => formatPlatform({ ...wanted, variant: `v${version}` }));
}
