import { tmpdir } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { type Call, unstoppable } from "../io/call.ts";
import { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import { ignoreTransfers } from "../io/transfer.ts";
import { compareTrees, type FileChange, undecidedPairs } from "../layers/compare-trees.ts";
import { digestBodies } from "../layers/digest-bodies.ts";
import type { FileNode } from "../layers/file-node.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import { LayerReader } from "../layers/layer-reader.ts";
import { rootPath } from "../layers/path.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ImageLocation } from "../model/location.ts";
import { Stores } from "../store/open-stores.ts";
import { type ConfigDifference, compareConfigs, compareMaps, type MapDifference } from "./compare-configs.ts";
import type { ImageFilesOptions } from "./image-files.ts";
import { layerBlobs } from "./layer-blobs.ts";
import { type ResolvedImage, resolveImage } from "./resolve-image.ts";

/** Options of {@link diffImages}; those of the registries are among them. */
export interface DiffOptions extends ImageFilesOptions {
  /** Whether files that differ in their times alone count as changed. Default `true`. */
  readonly times?: boolean | undefined;
}

/** What differs between two images. */
export interface ImageDifference {
  readonly before: ResolvedImage;
  readonly after: ResolvedImage;
  /** Layers by what is in them, uncompressed, whatever their position. */
  readonly layers: {
    /** How many of the second image's the first has, too. */
    readonly common: number;
    readonly removed: readonly Descriptor[];
    readonly added: readonly Descriptor[];
  };
  readonly config: readonly ConfigDifference[];
  /** Of the manifests. */
  readonly annotations: readonly MapDifference[];
  readonly files: readonly FileChange[];
}

/** Whether anything at all differs: two images may hold the same in other layers. */
export function isEqual({ config, annotations, files }: ImageDifference): boolean {
  return config.length === 0 && annotations.length === 0 && files.length === 0;
}

/**
 * Compares two images: configuration, annotations, and the files a container would see. Layers are read for names and
 * attributes; a layer both have is read once. Contents are compared by digest, and only where name, size and layer do
 * not decide. Images with the same layers are compared without reading any.
 *
 * @throws ComposeImageError what resolving and reading the images throws.
 */
export async function diffImages(
  beforeLocation: ImageLocation,
  afterLocation: ImageLocation,
  options: DiffOptions = {},
): Promise<ImageDifference> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  await using stores = new Stores(options);
  const before = await resolveImage(stores, "image", beforeLocation, options.platform, call);
  const after = await resolveImage(stores, "image", afterLocation, options.platform, call);
  const added = layersNotIn(after, before);
  return {
    before,
    after,
    layers: {
      common: after.manifest.layers.length - added.length,
      removed: layersNotIn(before, after),
      added,
    },
    config: compareConfigs(before.config, after.config),
    annotations: compareMaps({ ...before.manifest.annotations }, { ...after.manifest.annotations }),
    files: await diffFiles(before, after, options, call),
  };
}

function layersNotIn({ manifest, config }: ResolvedImage, other: ResolvedImage): Descriptor[] {
  const there = new Set<string | undefined>(other.config.diffIds);
  return manifest.layers.filter((_, i) => !there.has(config.diffIds[i]));
}

async function diffFiles(
  before: ResolvedImage,
  after: ResolvedImage,
  { jobs = 4, memoryLimit = 64 * 1024 * 1024, times = true, onTransfer = ignoreTransfers }: DiffOptions,
  call: Call,
): Promise<FileChange[]> {
  const [old, current] = [before, after].map(({ manifest }) => manifest.layers.map(({ digest }) => digest));
  if (isDeepStrictEqual(old, current)) return [];
  await using bodies = new Spool(new MemoryBudget(memoryLimit), tmpdir());
  const blobs = new Map<Digest, LayerBlob>();
  const views = [before, after].map(
    (image) =>
      new ImageView(image.name, layerBlobs(image, blobs), new Interest([rootPath]), {
        wantsBody: () => false,
        onWarning: (message) => onTransfer({ kind: "warning", store: "layers", message }),
      }),
  );
  const roots = await new LayerReader(bodies, jobs).ask(
    views,
    () => views.map((view) => view.tree().root),
    call,
  );
  for (const view of views) view.release();
  const [beforeRoot, afterRoot] = roots;
  if (beforeRoot === undefined || afterRoot === undefined) return [];
  const digests = await digestBodies(undecidedFiles(beforeRoot, afterRoot), jobs, call);
  return compareTrees(beforeRoot, afterRoot, {
    times,
    sameContent: (pair) => digests.get(pair.before) === digests.get(pair.after),
  });
}

function* undecidedFiles(before: FileNode, after: FileNode): Generator<FileNode> {
  for (const pair of undecidedPairs(before, after)) yield* [pair.before, pair.after];
}
