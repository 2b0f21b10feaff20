import { isDeepStrictEqual } from "node:util";
import type { Call } from "../io/call.ts";
import type { TransferListener } from "../io/transfer.ts";
import { type Descriptor, describeBytes } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { familyOf } from "../model/media-types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { type EntryChange, rewriteIndex } from "../model/rewrite-manifest.ts";
import type { Stores } from "../store/open-stores.ts";
import type { Source, StoredManifest } from "../store/source.ts";
import type { PushedImage } from "./compose.ts";
import { type ImageTree, subjectOf, type TreeAttachment, type TreeImage } from "./image-tree.ts";
import { moveTags } from "./move-tags.ts";
import { openPlaces } from "./places.ts";
import { blobOfBytes, deliverImages, type ImageBlob, type ImageToPush } from "./push-image.ts";

/** What becomes of a whole {@link ImageTree}. */
export interface EditedTree {
  /** The manifest or index that the tags are to name. */
  readonly top: StoredManifest;
  readonly images: readonly ImageToPush[];
  /** Whether `top` is an index, and `images` what it names. */
  readonly isIndex: boolean;
  /** Attestations that are left out: what they say is about a manifest that is no more. */
  readonly dropped: readonly Descriptor[];
}

/**
 * The images of a tree that are to be changed.
 *
 * @param platforms those meant; by default all there are.
 * @throws ComposeImageError `PLATFORM_NOT_FOUND`; `PLATFORM_MISMATCH` for one that several images are for;
 *   `MANIFEST_NOT_FOUND` naming what the index lacks; `MANIFEST_INVALID` for media types of both families in one
 *   manifest; `FORMAT_UNSUPPORTED` for what is not known.
 */
export function imagesToEdit(tree: ImageTree, platforms: readonly Platform[]): TreeImage[] {
  expectComplete(tree);
  const images = tree.children.filter((child) => child.kind === "image");
  for (const { manifest } of images) expectOneFamily(manifest, tree.name);
  if (images.length === 0) {
    throw new ComposeImageError("FORMAT_UNSUPPORTED", `${tree.name} holds no image`, {
      hint: "What it holds is something else; compose-image inspect shows it.",
    });
  }
  if (platforms.length === 0) return images;
  const meant = platforms.map((platform) => imageFor(tree, images, platform));
  return [...new Set(meant)];
}

/** The platform an image is for: its index's word where there is one, else its configuration's. */
export function treePlatform({ entry, config }: TreeImage): Platform {
  return entry?.platform ?? config.platform;
}

function imageFor({ name }: ImageTree, images: readonly TreeImage[], platform: Platform): TreeImage {
  const wanted = formatPlatform(platform);
  const [found, ...more] = images.filter((image) => formatPlatform(treePlatform(image)) === wanted);
  if (found === undefined) {
    const there = images.map((image) => formatPlatform(treePlatform(image))).join(", ");
    throw new ComposeImageError("PLATFORM_NOT_FOUND", `${name} has no image for ${wanted}`, {
      hint: `It has ${there}: choose one with --platform.`,
    });
  }
  if (more.length === 0) return found;
  throw new ComposeImageError("PLATFORM_MISMATCH", `${name} has ${more.length + 1} images for ${wanted}`, {
    hint: "Name one of them by its digest, or leave --platform out to take all.",
  });
}

/** @throws ComposeImageError `MANIFEST_NOT_FOUND`, `FORMAT_UNSUPPORTED` */
function expectComplete({ name, children }: ImageTree): void {
  const told = children.flatMap((child) => {
    if ("stored" in child) return [];
    const { kind, entry } = child;
    const platform = entry.platform === undefined ? "" : `${formatPlatform(entry.platform)} `;
    return [{ kind, text: `${platform}${entry.digest}` }];
  });
  const missing = told.filter(({ kind }) => kind === "missing");
  if (missing.length > 0) {
    throw new ComposeImageError(
      "MANIFEST_NOT_FOUND",
      `${name}: the index names manifests that are not there: ${missing.map(({ text }) => text).join(", ")}`,
      {
        hint: "Push the index again with all its manifests, or name one of those that are there by its digest.",
      },
    );
  }
  const [other] = told;
  if (other === undefined) return;
  throw new ComposeImageError(
    "FORMAT_UNSUPPORTED",
    `${name}: the index holds what is no image: ${other.text}`,
    {
      hint: "Indexes in indexes are not changed; name an image by its digest.",
    },
  );
}

/**
 * Expects that a manifest does not mix Docker's media types with OCI's.
 *
 * @throws ComposeImageError `MANIFEST_INVALID`
 */
export function expectOneFamily({ mediaType, config, layers }: ImageManifest, name: string): void {
  const other = familyOf(mediaType) === "oci" ? "application/vnd.docker." : "application/vnd.oci.";
  const stranger = [config, ...layers].find((each) => each.mediaType.startsWith(other));
  if (stranger === undefined) return;
  throw new ComposeImageError(
    "MANIFEST_INVALID",
    `${name}: the manifest is of type ${mediaType} and holds ${stranger.digest} of type ${stranger.mediaType}`,
    { hint: "Media types of Docker and OCI are mixed; push the image again with a current tool." },
  );
}

/**
 * Puts changed images in the places of those they were.
 *
 * @param edited what images become; those that are not in it stay as they are.
 * @param indexAnnotations all that the index is to have.
 */
export function editTree(
  tree: ImageTree,
  edited: ReadonlyMap<TreeImage, ImageToPush>,
  indexAnnotations: Readonly<Record<string, string>>,
): EditedTree {
  const { index, source, top } = tree;
  const kept = tree.children.filter((child) => "stored" in child);
  const changed = new Set(
    [...edited].flatMap(([{ stored }, { manifest }]): string[] =>
      isSameManifest(stored, manifest) ? [] : [stored.descriptor.digest],
    ),
  );
  const isStale = ({ entry }: TreeImage | TreeAttachment): boolean =>
    entry !== undefined && changed.has(subjectOf(entry) ?? "");
  const staying = kept.filter((child) => !isStale(child));
  const pushes = new Map(
    staying.map((child) => [
      child,
      (child.kind === "image" ? edited.get(child) : undefined) ?? unchanged(source, child),
    ]),
  );
  const images = [...pushes.values()];
  if (index === undefined) {
    return { top: images[0]?.manifest ?? top, images, isIndex: false, dropped: [] };
  }
  const changes = kept.map((child): EntryChange => {
    const push = pushes.get(child);
    if (push === undefined) return "drop";
    return isSameManifest(push.manifest, child.stored) ? "keep" : push.manifest.descriptor;
  });
  const isSame =
    changes.every((change) => change === "keep") && isDeepStrictEqual(indexAnnotations, index.annotations);
  const bytes = isSame ? top.bytes : rewriteIndex(top.bytes, changes, indexAnnotations);
  return {
    top: isSame ? top : { descriptor: describeBytes(index.mediaType, bytes), bytes },
    images,
    isIndex: true,
    dropped: kept.flatMap((child) => (isStale(child) && child.entry ? [child.entry] : [])),
  };
}

function isSameManifest(one: StoredManifest, other: StoredManifest): boolean {
  return one.descriptor.digest === other.descriptor.digest;
}

/** The blobs of a manifest where they are. */
export function blobsOf(source: Source, descriptors: readonly Descriptor[]): ImageBlob[] {
  return descriptors.map((descriptor) => ({
    descriptor,
    open: (call) => source.fetch(descriptor, call),
    mountFrom: source.mountOrigin,
  }));
}

/** A manifest with a configuration made here. */
export function withNewConfig(
  layers: readonly ImageBlob[],
  config: Descriptor,
  configBytes: Uint8Array,
  mediaType: string,
  manifestBytes: Uint8Array,
): ImageToPush {
  return {
    layers,
    config: blobOfBytes(config, configBytes),
    manifest: { descriptor: describeBytes(mediaType, manifestBytes), bytes: manifestBytes },
  };
}

function unchanged(source: Source, { manifest, stored }: TreeImage | TreeAttachment): ImageToPush {
  const [config, ...layers] = blobsOf(source, [manifest.config, ...manifest.layers]);
  if (config === undefined) throw new ComposeImageError("INTERNAL", "a manifest without a configuration");
  return { layers, config, manifest: stored };
}

/**
 * Brings an edited tree to its targets.
 *
 * @throws ComposeImageError as pushing does; then no tag has moved.
 */
export async function pushTree(
  { top, images, isIndex }: EditedTree,
  targets: readonly ImageLocation[],
  stores: Stores,
  jobs: number,
  onTransfer: TransferListener,
  call: Call,
): Promise<PushedImage[]> {
  const blobs = images.flatMap(({ layers }) => layers);
  const places = await openPlaces(targets, blobs, stores, jobs, call);
  await deliverImages(images, places, jobs, onTransfer, call);
  const delivered = new Set(isIndex ? [] : [top.descriptor.digest]);
  const moved = await moveTags(places, async () => top, delivered, onTransfer, call);
  return moved.map(({ target, manifest, tags }) => ({
    name: target.name,
    digest: manifest.descriptor.digest,
    tags,
  }));
}
