import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import type { JsonObject } from "../../model/json.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../../model/manifest.ts";
import { mediaTypes } from "../../model/media-types.ts";
import { parseReference } from "../../model/reference.ts";
import {
  type IndexEntry,
  imageNameAnnotation,
  indexEntry,
  refNameAnnotation,
} from "../layout/index-entry.ts";
import { layoutFile } from "../layout/layout-file.ts";
import type { StoredManifest } from "../source.ts";
import { blobName } from "./archive-content.ts";
import type { ArchiveDocument } from "./archive-writer.ts";

/** An image of an archive, and a name it has; none where it has no name. */
export interface NamedImage {
  readonly descriptor: Descriptor;
  readonly tag: string | undefined;
}

/** The manifests of an archive, by their digests. */
export type ArchiveManifests = ReadonlyMap<Digest, StoredManifest>;

/**
 * All blobs in the order they have in an archive: of each image its layers, its configuration, its manifest; what no image
 * names by digest. So the order does not depend on which was there first.
 */
export function blobOrder(
  images: readonly Pick<NamedImage, "descriptor">[],
  manifests: ArchiveManifests,
  blobs: readonly Digest[],
): Digest[] {
  const known = new Set(blobs);
  const ordered = new Set<Digest>();
  const add = (digest: Digest): void => {
    if (known.has(digest)) ordered.add(digest);
  };
  const visit = (digest: Digest): void => {
    const manifest = readManifest(manifests, digest);
    if (ordered.has(digest)) return;
    for (const child of manifest?.kind === "index" ? manifest.manifests : []) visit(child.digest);
    for (const layer of manifest?.kind === "manifest" ? [...manifest.layers, manifest.config] : [])
      add(layer.digest);
    add(digest);
  };
  for (const { descriptor } of images) visit(descriptor.digest);
  for (const digest of [...blobs].sort()) add(digest);
  return [...ordered];
}

/**
 * What makes an archive an OCI layout.
 *
 * @param referrers what is listed besides.
 */
export function layoutDocuments(
  images: readonly NamedImage[],
  referrers: readonly IndexEntry[] = [],
): ArchiveDocument[] {
  const entries = images.map(({ descriptor, tag }) =>
    indexEntry(descriptor, tag === undefined ? {} : { [refNameAnnotation]: tag }),
  );
  return documentsOf([...entries, ...referrers].map(({ json }) => json));
}

/** What makes an archive both, an OCI layout and what `docker save` writes. */
export function dockerDocuments(
  images: readonly NamedImage[],
  manifests: ArchiveManifests,
): ArchiveDocument[] {
  const entries = images.map(({ descriptor, tag }) =>
    indexEntry(
      descriptor,
      tag === undefined
        ? {}
        : { [imageNameAnnotation]: tag, [refNameAnnotation]: parseReference(tag).tag ?? tag },
    ),
  );
  const digests = [...new Set(images.map(({ descriptor }) => descriptor.digest))];
  const items = digests.flatMap((digest): JsonObject[] => {
    const manifest = imageFor(manifests, digest);
    if (manifest === undefined) return [];
    return [
      {
        Config: blobName(manifest.config.digest),
        RepoTags: images.flatMap(({ descriptor, tag }) => (descriptor.digest === digest ? (tag ?? []) : [])),
        Layers: manifest.layers.map((layer) => blobName(layer.digest)),
      },
    ];
  });
  return [jsonDocument("manifest.json", items), ...documentsOf(entries.map(({ json }) => json))];
}

/** Docker's own file has one image for a name: of an index the one for linux/amd64, else the first. */
function imageFor(manifests: ArchiveManifests, digest: Digest): ImageManifest | undefined {
  const top = readManifest(manifests, digest);
  if (top?.kind !== "index") return top;
  const isUsual = ({ platform }: Descriptor): boolean =>
    platform?.os === "linux" && platform.architecture === "amd64";
  for (const child of [...top.manifests.filter(isUsual), ...top.manifests]) {
    const manifest = readManifest(manifests, child.digest);
    if (manifest?.kind === "manifest") return manifest;
  }
  return undefined;
}

function readManifest(manifests: ArchiveManifests, digest: Digest): ImageManifest | ImageIndex | undefined {
  const stored = manifests.get(digest);
  return stored && parseManifest(stored.bytes, stored.descriptor.mediaType, `manifest ${digest}`);
}

function documentsOf(manifests: JsonObject[]): ArchiveDocument[] {
  const index = { schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests };
  return [jsonDocument("index.json", index), { name: "oci-layout", bytes: Buffer.from(layoutFile, "utf8") }];
}

function jsonDocument(name: string, value: unknown): ArchiveDocument {
  return { name, bytes: Buffer.from(JSON.stringify(value), "utf8") };
}
