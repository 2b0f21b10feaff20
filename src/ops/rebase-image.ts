import { type Call, unstoppable } from "../io/call.ts";
import { ignoreTransfers, type TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import { parseManifest } from "../model/manifest.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { Stores, type StoresOptions } from "../store/open-stores.ts";
import type { PushedImage } from "./compose.ts";
import { recordedSettings } from "./composed-layers.ts";
import { editTree, expectOneFamily, imagesToEdit, pushTree, treePlatform } from "./edit-tree.ts";
import { type ImageTree, readImageTree, type TreeImage } from "./image-tree.ts";
import { KeptListings } from "./kept-listings.ts";
import { findOldBase, type OldBase } from "./old-base.ts";
import type { ImageToPush } from "./push-image.ts";
import { expectFit } from "./rebase-objections.ts";
import { rebasedAnnotations } from "./rebased-annotations.ts";
import { putOnBase, type RebasedImage } from "./rebased-image.ts";
import { type ResolvedImage, resolveImage } from "./resolve-image.ts";

/** What {@link rebaseImage} is to do. */
export interface Rebase {
  readonly image: ImageLocation;
  /** What the image was made on. Default: what it says itself. */
  readonly oldBase?: ImageLocation | undefined;
  readonly newBase: ImageLocation;
  readonly targets: readonly ImageLocation[];
}

/** Options of {@link rebaseImage}; those of the stores are among them. */
export interface RebaseOptions extends StoresOptions {
  /** Images to rebase; the others of an index stay as they are. Default: all. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Whether to rebase also what objects to it, or does not fit. Default `false`. */
  readonly force?: boolean | undefined;
  /** Seconds since 1970: `created` of the result. Default: the later of application's and new base's. */
  readonly sourceDateEpoch?: number | undefined;
  /** Whether to push nothing. Default `false`. */
  readonly dryRun?: boolean | undefined;
  /** Most layers read, and blobs pushed, at once. Default 4. */
  readonly jobs?: number | undefined;
  /** Most bytes of account files in memory. Default 64 MiB. */
  readonly memoryLimit?: number | undefined;
  /** Where what layers hold is kept between runs. Default: nothing is kept. */
  readonly cacheDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link rebaseImage} did. */
export interface RebaseResult {
  /** Of the manifest or index as it is now. */
  readonly descriptor: Descriptor;
  readonly images: readonly RebasedImage[];
  /** Attestations of rebased images: they are left out. */
  readonly dropped: readonly Descriptor[];
  /** Empty with `dryRun`. */
  readonly pushed: readonly PushedImage[];
}

/**
 * Puts an existing image onto another base: the old base's layers give way to the new one's, the application's stay as
 * they are, and so does what the application has set in the configuration. All platforms are proven to be possible before
 * anything is pushed.
 *
 * @throws ComposeImageError `USAGE` where nothing says what the image was made on; `BASE_MISMATCH` where it was not made
 *   on what is said; `REBASE_REFUSED` for what objects to it or does not fit; `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH`,
 *   `MANIFEST_NOT_FOUND`, `MANIFEST_INVALID`, `FORMAT_UNSUPPORTED`; what reading and pushing throw. No tag has moved then.
 */
export async function rebaseImage(rebase: Rebase, options: RebaseOptions = {}): Promise<RebaseResult> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  const { jobs = 4, onTransfer = ignoreTransfers, platforms = [], dryRun = false } = options;
  await using stores = new Stores(options);
  const tree = await readImageTree(stores, "image", rebase.image, jobs, call);
  const images = imagesToEdit(tree, platforms);
  const edited = new Map<TreeImage, ImageToPush>();
  const rebased: RebasedImage[] = [];
  let indexAnnotations = tree.index?.annotations ?? {};
  for (const image of images) {
    const { facts, toPush, newBase } = await rebaseOne(
      tree,
      image,
      rebase,
      stores,
      options,
      onTransfer,
      call,
    );
    edited.set(image, toPush);
    rebased.push(facts);
    if (platforms.length === 0) indexAnnotations = rebasedAnnotations(indexAnnotations, newBase, false);
  }
  const result = editTree(tree, edited, indexAnnotations);
  return {
    descriptor: result.top.descriptor,
    images: rebased,
    dropped: result.dropped,
    pushed: dryRun ? [] : await pushTree(result, rebase.targets, stores, jobs, onTransfer, call),
  };
}

async function rebaseOne(
  tree: ImageTree,
  image: TreeImage,
  rebase: Rebase,
  stores: Stores,
  options: RebaseOptions,
  onTransfer: TransferListener,
  call: Call,
): Promise<{ readonly facts: RebasedImage; readonly toPush: ImageToPush; readonly newBase: ResolvedImage }> {
  const name = `${tree.name} (${formatPlatform(treePlatform(image))})`;
  expectLayersDescribed(image, name);
  const oldBase = await findOldBase(stores, tree, image, rebase.oldBase, call);
  const newBase = await resolveNewBase(stores, rebase.newBase, treePlatform(image), call);
  const { cacheDirectory, jobs = 4, memoryLimit = 64 * 1024 * 1024, force = false } = options;
  const { stored, manifest, config } = image;
  const application: ResolvedImage = {
    side: "image",
    location: tree.location,
    name,
    resolved: stored.descriptor,
    platform: treePlatform(image),
    manifest,
    config,
    source: tree.source,
  };
  const context = {
    image,
    application,
    newBase,
    jobs,
    memoryLimit,
    onTransfer,
    layerCount: oldBase.layerCount,
    workdir: workdirOn(image, oldBase, newBase),
    listings: cacheDirectory === undefined ? undefined : new KeptListings(cacheDirectory, onTransfer),
  };
  await expectFit(context, oldBase, force, call);
  return { ...putOnBase(application, image, oldBase, newBase, options.sourceDateEpoch), newBase };
}

/** The application's working directory, or that of its base, which follows the new one. */
function workdirOn(image: TreeImage, { image: oldBase }: OldBase, newBase: ResolvedImage): string {
  const { WorkingDir: own = "" } = image.config.execution;
  const isOwn =
    recordedSettings(image).fields.has("WorkingDir") || own !== (oldBase?.config.execution.WorkingDir ?? "");
  return isOwn ? own : (newBase.config.execution.WorkingDir ?? "");
}

/** @throws ComposeImageError `CONFIG_INVALID` */
function expectLayersDescribed({ config, manifest }: TreeImage, name: string): void {
  const [diffIds, layers] = [config.diffIds.length, manifest.layers.length];
  if (diffIds === layers) return;
  throw new ComposeImageError(
    "CONFIG_INVALID",
    `config of ${name}: it has ${diffIds} diff_ids, the manifest has ${layers} layers`,
  );
}

/** @throws ComposeImageError `PLATFORM_MISMATCH` for a platform that several images of an index are for */
async function resolveNewBase(
  stores: Stores,
  location: ImageLocation,
  platform: Platform,
  call: Call,
): Promise<ResolvedImage> {
  const newBase = await resolveImage(stores, "new base", location, platform, call);
  expectOneFamily(newBase.manifest, newBase.name);
  const top = await newBase.source.manifest({ digest: newBase.resolved.digest }, call);
  const parsed = parseManifest(top.bytes, top.descriptor.mediaType, newBase.name);
  const wanted = formatPlatform(platform);
  const candidates =
    parsed.kind === "index"
      ? parsed.manifests.filter((entry) => entry.platform && formatPlatform(entry.platform) === wanted)
      : [];
  if (new Set(candidates.map(({ digest }) => digest)).size <= 1) return newBase;
  throw new ComposeImageError(
    "PLATFORM_MISMATCH",
    `${newBase.name} has ${candidates.length} images for ${wanted}`,
    { hint: "Name one of them by its digest." },
  );
}
