import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { parseManifest } from "../model/manifest.ts";
import { isForeignLayerMediaType, isManifestMediaType } from "../model/media-types.ts";
import { readReferrer } from "../model/referrers.ts";
import type { StoredManifest } from "../store/source.ts";

/** What a manifest or index names. */
export interface ManifestParts {
  /** Of an index: its manifests. */
  readonly children: readonly Descriptor[];
  /** The configuration, the layers, and what else an index lists. Foreign layers are elsewhere, and left out. */
  readonly blobs: readonly Descriptor[];
  /** What it refers to, unless that is itself. */
  readonly subject: Digest | undefined;
}

/** @throws ComposeImageError as `parseManifest` does. */
export function readManifestParts({ bytes, descriptor }: StoredManifest, where: string): ManifestParts {
  const manifest = parseManifest(bytes, descriptor.mediaType, where);
  const subject = readReferrer(bytes, descriptor, where)?.subject;
  if (manifest.kind === "index") {
    const children = manifest.manifests.filter(({ mediaType }) => isManifestMediaType(mediaType));
    const blobs = manifest.manifests.filter(({ mediaType }) => !isManifestMediaType(mediaType));
    return { children, blobs, subject };
  }
  const own = manifest.layers.filter(({ mediaType }) => !isForeignLayerMediaType(mediaType));
  return { children: [], blobs: [manifest.config, ...own], subject };
}
