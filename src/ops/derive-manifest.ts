import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type MediaTypeFamily, mediaTypes } from "../model/media-types.ts";
import type { Compression } from "../plan/compose-plan.ts";

/** Media types of layers that mean the same in both families: OCI's, Docker's. */
const layerPairs: readonly (readonly [string, string])[] = [
  [mediaTypes.oci.layer, mediaTypes.docker.layer],
  [mediaTypes.oci.layerGzip, mediaTypes.docker.layerGzip],
  [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ],
];

/**
 * The base's layer as a manifest of the given family names it; the blob stays as it is.
 *
 * @param baseName the base, for messages.
 * @throws ComposeImageError `FORMAT_UNSUPPORTED` for a compression that Docker's family has no media type for.
 */
export function layerInFamily(layer: Descriptor, family: MediaTypeFamily, baseName: string): Descriptor {
  const isDocker = layer.mediaType.startsWith("application/vnd.docker.");
  if (isDocker === (family === "docker")) return layer;
  const pair = layerPairs.find((types) => types.includes(layer.mediaType));
  if (pair === undefined) {
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      `${baseName}: a layer of type ${layer.mediaType} has no counterpart in the ${family} format`,
      { hint: family === "docker" ? "Compose with --format oci." : "Push the base again as an OCI image." },
    );
  }
  return { ...layer, mediaType: family === "docker" ? pair[1] : pair[0] };
}

/**
 * The media type of the new layer.
 *
 * @throws ComposeImageError `FORMAT_UNSUPPORTED` for zstd in Docker's family, which has no name for it.
 */
export function newLayerMediaType(family: MediaTypeFamily, algorithm: Compression["algorithm"]): string {
  if (algorithm === "none") return mediaTypes[family].layer;
  if (algorithm === "gzip") return mediaTypes[family].layerGzip;
  if (family === "oci") return mediaTypes.oci.layerZstd;
  throw new ComposeImageError("FORMAT_UNSUPPORTED", "the docker format has no layers in zstd", {
    hint: "Compose with --format oci, or with --compression gzip.",
  });
}
