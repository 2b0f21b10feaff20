import type { JsonObject } from "../../../src/model/json.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { dir, file, whiteout } from "../../layers/support/entries.ts";
import { type ImageSpec, putIndex, readIndex } from "./images.ts";

/** An image for an architecture, written `arm64` or `arm/v7`. */
function imageFor(platform: string, { config, ...image }: ImageSpec): ImageSpec {
  const [, architecture = "", variant] = platform.split("/");
  return { ...image, config: { ...config, architecture, ...(variant !== undefined && { variant }) } };
}

/** A builder with `/app`, whose lower layer is the same for all platforms. */
export const builderFor = (platform: string): ImageSpec =>
  imageFor(platform, {
    layers: [
      [dir("app"), file("app/shared", "the same everywhere".repeat(100)), file("app/old", "old")],
      [whiteout("app/old"), file("app/binary", `for ${platform}`)],
    ],
  });
/** A base with a `/srv` of its own, and a user `web`. */
export const baseFor = (platform: string): ImageSpec =>
  imageFor(platform, {
    layers: [
      [dir("etc"), file("etc/passwd", "root:x:0:0::/:\nweb:x:7:8::/:\n"), file("etc/group", "")],
      [dir("srv", { mode: 0o2775, gid: platform.charCodeAt(7) }), file("etc/platform", platform)],
    ],
  });

/** Puts an index of builders or bases. */
export async function putPlatforms(
  directory: string,
  tag: string,
  platforms: readonly string[],
  more: readonly JsonObject[] = [],
): Promise<void> {
  const make = tag.startsWith("builder") ? builderFor : baseFor;
  const images = Object.fromEntries(platforms.map((platform) => [platform, make(platform)]));
  await putIndex(directory, tag, images, more);
}

/** The platforms of an index's entries, in their order. */
export async function platformsIn(directory: string, tag: string): Promise<string[]> {
  return (await readIndex(directory, tag)).manifests.map(({ platform }) =>
    [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/"),
  );
}

/** What BuildKit adds to an index for an image; the manifest itself is nowhere. */
export const attestationOf = (digest: string) => ({
  mediaType: mediaTypes.oci.manifest,
  digest: `sha256:${"a".repeat(64)}`,
  size: 100,
  platform: { os: "unknown", architecture: "unknown" },
  annotations: { "vnd.docker.reference.digest": digest, "vnd.docker.reference.type": "attestation-manifest" },
});
