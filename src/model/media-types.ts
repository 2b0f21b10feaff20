/**
 * Media types of the two families in use.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
 * @see https://distribution.github.io/distribution/spec/manifest-v2-2/
 */
export const mediaTypes = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar",
    layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar",
    layerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  },
} as const;

/** The two families. One manifest never mixes them. */
export type MediaTypeFamily = "oci" | "docker";

/** Media types of manifests and indexes, in the order of preference for `Accept`. */
export const manifestMediaTypes: readonly string[] = [
  mediaTypes.oci.index,
  mediaTypes.oci.manifest,
  mediaTypes.docker.index,
  mediaTypes.docker.manifest,
];

/** Whether the media type names an index (OCI) or a manifest list (Docker). */
export function isIndexMediaType(mediaType: string): boolean {
  return mediaType === mediaTypes.oci.index || mediaType === mediaTypes.docker.index;
}

/** Whether the media type names a manifest or an index of either family. */
export function isManifestMediaType(mediaType: string): boolean {
  return manifestMediaTypes.includes(mediaType);
}

/** Whether a layer is foreign (non-distributable): it has `urls` and is not in the registry. */
export function isForeignLayerMediaType(mediaType: string): boolean {
  return mediaType.includes(".nondistributable.") || mediaType.includes(".foreign.");
}

/** The family a manifest's or index's media type belongs to. */
export function familyOf(manifestMediaType: string): MediaTypeFamily {
  return manifestMediaType.startsWith("application/vnd.docker.") ? "docker" : "oci";
}

/** Whether the media type names an image's configuration: other manifests carry artifacts. */
export function isConfigMediaType(mediaType: string): boolean {
  return mediaType === mediaTypes.oci.config || mediaType === mediaTypes.docker.config;
}
