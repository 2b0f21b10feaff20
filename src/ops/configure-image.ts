import { type Call, unstoppable } from "../io/call.ts";
import { ignoreTransfers } from "../io/transfer.ts";
import { parseConfig } from "../model/config.ts";
import { type Descriptor, describeBytes } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import { encodeJson } from "../model/manifest.ts";
import { familyOf } from "../model/media-types.ts";
import type { Platform } from "../model/platform.ts";
import { rewriteManifest } from "../model/rewrite-manifest.ts";
import type { ConfigEdit } from "../plan/config-edit.ts";
import { Stores, type StoresOptions } from "../store/open-stores.ts";
import { type ConfigDifference, compareConfigs, compareMaps, type MapDifference } from "./compare-configs.ts";
import type { PushedImage } from "./compose.ts";
import { formatSeconds } from "./created-time.ts";
import { editConfig, withoutKeys } from "./edit-config.ts";
import { blobsOf, editTree, imagesToEdit, pushTree, treePlatform, withNewConfig } from "./edit-tree.ts";
import { type ImageTree, readImageTree, type TreeImage } from "./image-tree.ts";
import type { ImageToPush } from "./push-image.ts";

/** Options of {@link configureImage}; those of the stores are among them. */
export interface ConfigureOptions extends StoresOptions {
  /** Images to change; the others of an index stay as they are. Default: all. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Seconds since 1970: `created` of what is changed. Default: it stays as it is. */
  readonly sourceDateEpoch?: number | undefined;
  /** Whether to push nothing. Default `false`. */
  readonly dryRun?: boolean | undefined;
  /** Most blobs under way at once. Default 4. */
  readonly jobs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link configureImage} did. */
export interface ConfigureResult {
  /** Of the manifest or index as it is now. */
  readonly descriptor: Descriptor;
  readonly images: readonly ConfiguredImage[];
  /** Of the index. */
  readonly indexAnnotations: readonly MapDifference[];
  /** Attestations of changed images: they are left out. */
  readonly dropped: readonly Descriptor[];
  /** Empty with `dryRun`. */
  readonly pushed: readonly PushedImage[];
}

/** One platform's image. */
export interface ConfiguredImage {
  readonly platform: Platform;
  /** The manifest's digest. */
  readonly before: Digest;
  /** The same where nothing had to be changed. */
  readonly after: Digest;
  readonly config: readonly ConfigDifference[];
  readonly annotations: readonly MapDifference[];
}

/**
 * Changes configuration and annotations of an existing image, all platforms or some, and pushes the result. Manifests and
 * configurations are read, and layers only where a target lacks them and cannot mount them. Signatures and attestations
 * are of the old manifests: those in the index are left out.
 *
 * @throws ComposeImageError `USAGE` for annotations of an index where there is none, `FORMAT_UNSUPPORTED` for annotations
 *   in Docker's format, `MANIFEST_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `MANIFEST_INVALID`; what reading and pushing throw. No
 *   tag has moved then.
 */
export async function configureImage(
  location: ImageLocation,
  edit: ConfigEdit,
  targets: readonly ImageLocation[],
  options: ConfigureOptions = {},
): Promise<ConfigureResult> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  const { jobs = 4, onTransfer = ignoreTransfers, platforms = [], dryRun = false } = options;
  await using stores = new Stores(options);
  const tree = await readImageTree(stores, "image", location, jobs, call);
  const indexAnnotations = editedIndexAnnotations(tree, edit);
  const { sourceDateEpoch } = options;
  const created = sourceDateEpoch === undefined ? undefined : formatSeconds(sourceDateEpoch);
  const edited = new Map<TreeImage, ImageToPush>();
  const images = imagesToEdit(tree, platforms).map((image) => {
    const change = configured(tree, image, edit, created);
    if (change.toPush !== undefined) edited.set(image, change.toPush);
    return change.image;
  });
  const result = editTree(tree, edited, indexAnnotations);
  return {
    descriptor: result.top.descriptor,
    images,
    indexAnnotations: compareMaps({ ...tree.index?.annotations }, { ...indexAnnotations }),
    dropped: result.dropped,
    pushed: dryRun ? [] : await pushTree(result, targets, stores, jobs, onTransfer, call),
  };
}

function configured(
  { name, source }: ImageTree,
  image: TreeImage,
  edit: ConfigEdit,
  created: string | undefined,
): { readonly image: ConfiguredImage; readonly toPush: ImageToPush | undefined } {
  const { manifest, config, stored } = image;
  const { mediaType } = manifest;
  if (familyOf(mediaType) === "docker" && Object.keys(edit.annotations).length > 0) {
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      `${name}: manifests in the docker format have no annotations`,
      {
        hint: "Use --label, which every format has.",
      },
    );
  }
  const annotations = editedAnnotations(manifest.annotations, edit.annotations, edit.removed.annotations);
  const document = editConfig(config, edit, created);
  const differences = compareMaps({ ...manifest.annotations }, { ...annotations });
  const facts = { platform: treePlatform(image), before: stored.descriptor.digest, annotations: differences };
  if (document === undefined && differences.length === 0) {
    return { image: { ...facts, after: stored.descriptor.digest, config: [] }, toPush: undefined };
  }
  const layers = blobsOf(source, manifest.layers);
  if (document === undefined) {
    const bytes = rewriteManifest(stored.bytes, { annotations });
    const [ownConfig] = blobsOf(source, [manifest.config]);
    const descriptor = describeBytes(mediaType, bytes);
    return {
      image: { ...facts, after: descriptor.digest, config: [] },
      toPush: ownConfig && { layers, config: ownConfig, manifest: { descriptor, bytes } },
    };
  }
  const configBytes = encodeJson(document);
  const configDescriptor = describeBytes(manifest.config.mediaType, configBytes);
  const bytes = rewriteManifest(stored.bytes, { config: configDescriptor, annotations });
  const toPush = withNewConfig(layers, configDescriptor, configBytes, mediaType, bytes);
  return {
    image: {
      ...facts,
      after: toPush.manifest.descriptor.digest,
      config: compareConfigs(config, parseConfig(configBytes, name)),
    },
    toPush,
  };
}

/** @throws ComposeImageError `USAGE`, `FORMAT_UNSUPPORTED` */
function editedIndexAnnotations(
  { index, name }: ImageTree,
  { indexAnnotations, removed }: ConfigEdit,
): Readonly<Record<string, string>> {
  const isSet = Object.keys(indexAnnotations).length > 0;
  if (!isSet && removed.indexAnnotations.length === 0) return index?.annotations ?? {};
  if (index === undefined) {
    throw new ComposeImageError("USAGE", `${name} is a single manifest and has no index`, {
      hint: "Use --annotation, which is the manifest's own.",
    });
  }
  if (isSet && familyOf(index.mediaType) === "docker") {
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      `${name}: a manifest list of Docker's has no annotations`,
      {
        hint: "Use --label, which every format has.",
      },
    );
  }
  return editedAnnotations(index.annotations, indexAnnotations, removed.indexAnnotations);
}

function editedAnnotations(
  own: Readonly<Record<string, string>>,
  set: Readonly<Record<string, string>>,
  removed: readonly string[],
): Record<string, string> {
  return { ...withoutKeys(own, removed), ...set };
}
