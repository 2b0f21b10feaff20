import type { Descriptor } from "../model/descriptor.ts";
import type { Platform } from "../model/platform.ts";
import { platformEntries, servesPlatform } from "../model/select-platform.ts";

/** The annotation of BuildKit's attestations with the digest of the image that they are about. */
const attestedAnnotation = "vnd.docker.reference.digest";

/**
 * Which of an index's manifests are kept: those for the platforms, what attests them, and what is for no platform.
 *
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
export function keepsPlatforms(
  platforms: readonly Platform[],
): (child: Descriptor, siblings: readonly Descriptor[]) => boolean {
  const isWanted = ({ platform }: Descriptor): boolean =>
    platform !== undefined && platforms.some((wanted) => servesPlatform(platform, wanted));
  return (child, siblings) => {
    if (platformEntries({ manifests: [child] }).length > 0) return isWanted(child);
    const attested = child.annotations?.[attestedAnnotation];
    const subject = siblings.find(({ digest }) => digest === attested);
    return subject === undefined || isWanted(subject);
  };
}
