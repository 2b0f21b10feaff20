import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Side } from "../io/transfer.ts";
import type { ImageConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../model/manifest.ts";
import { isConfigMediaType, isIndexMediaType, isManifestMediaType } from "../model/media-types.ts";
import type { Stores } from "../store/open-stores.ts";
import type { Source, StoredManifest } from "../store/source.ts";
import { readConfig } from "./read-config.ts";

/** An image as far as manifests and configurations go: all its platforms, no layer. */
export interface ImageTree {
  readonly location: ImageLocation;
  /** For messages: `image registry.example/app:1`. */
  readonly name: string;
  readonly source: Source;
  /** What the reference stands for: an index, or the only manifest. */
  readonly top: StoredManifest;
  /** Absent where the reference stands for a manifest. */
  readonly index: ImageIndex | undefined;
  /** The index's entries in its order; without an index the one manifest. */
  readonly children: readonly TreeChild[];
}

/** One manifest of an {@link ImageTree}. */
export type TreeChild = TreeImage | TreeAttachment | UnreadChild;

/** An image for one platform. */
export interface TreeImage {
  readonly kind: "image";
  /** The index's entry; absent without an index. */
  readonly entry: Descriptor | undefined;
  readonly stored: StoredManifest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** A manifest that is no image: an attestation of one, or whatever else somebody put into the index. */
export interface TreeAttachment {
  readonly kind: "attestation" | "artifact";
  readonly entry: Descriptor | undefined;
  readonly stored: StoredManifest;
  readonly manifest: ImageManifest;
}

/** An entry that is named only: its manifest is not there, is another index, or of a type that is not known. */
export interface UnreadChild {
  readonly kind: "missing" | "index" | "unknown";
  readonly entry: Descriptor;
}

/** Says of an index entry that it is an attestation. */
const referenceTypeKey = "vnd.docker.reference.type";

/** Says which of the index's manifests an attestation is about. */
const referenceDigestKey = "vnd.docker.reference.digest";

/**
 * Whether an index entry is an attestation, as BuildKit adds them.
 *
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
function isAttestation({ annotations = {}, platform }: Descriptor): boolean {
  return annotations[referenceTypeKey] === "attestation-manifest" || platform?.os === "unknown";
}

/** The digest of the manifest that an index entry is about; `undefined` where it stands for itself. */
export function subjectOf({ annotations = {} }: Descriptor): string | undefined {
  return annotations[referenceDigestKey];
}

/**
 * Reads what a reference stands for, with the manifests and configurations of all its platforms.
 *
 * @param jobs most manifests read at once.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` for the reference itself, `MANIFEST_INVALID`, `CONFIG_INVALID` and the
 *   store's. An entry of an index whose manifest is not there is a child like others.
 */
export async function readImageTree(
  stores: Stores,
  side: Side,
  location: ImageLocation,
  jobs: number,
  call: Call,
): Promise<ImageTree> {
  const name = `${side} ${formatLocation(location)}`;
  const { source, selector } = await stores.source(location, side, call);
  const top = await source.manifest(selector, call);
  const parsed = parseManifest(top.bytes, top.descriptor.mediaType, name);
  const tree = { location, name, source, top };
  if (parsed.kind === "manifest") {
    const only = await readChild(source, undefined, top, parsed, name, call);
    return { ...tree, index: undefined, children: [only] };
  }
  const children = new Map<Descriptor, TreeChild>();
  await forEachConcurrently(
    parsed.manifests,
    jobs,
    async (entry, inner) => {
      children.set(entry, await readEntry(source, entry, name, inner));
    },
    call,
  );
  return { ...tree, index: parsed, children: parsed.manifests.flatMap((entry) => children.get(entry) ?? []) };
}

async function readEntry(source: Source, entry: Descriptor, name: string, call: Call): Promise<TreeChild> {
  if (isIndexMediaType(entry.mediaType)) return { kind: "index", entry };
  if (!isManifestMediaType(entry.mediaType)) return { kind: "unknown", entry };
  const childName = `${name}, manifest ${entry.digest}`;
  try {
    const stored = await source.manifest({ digest: entry.digest }, call);
    const manifest = parseManifest(stored.bytes, stored.descriptor.mediaType, childName);
    if (manifest.kind === "index") return { kind: "index", entry };
    return await readChild(source, entry, stored, manifest, childName, call);
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND") {
      return { kind: "missing", entry };
    }
    throw error;
  }
}

async function readChild(
  source: Source,
  entry: Descriptor | undefined,
  stored: StoredManifest,
  manifest: ImageManifest,
  name: string,
  call: Call,
): Promise<TreeImage | TreeAttachment> {
  if (entry !== undefined && isAttestation(entry)) return { kind: "attestation", entry, stored, manifest };
  if (!isConfigMediaType(manifest.config.mediaType)) return { kind: "artifact", entry, stored, manifest };
  return { kind: "image", entry, stored, manifest, config: await readConfig(source, manifest, name, call) };
}
