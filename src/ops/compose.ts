import { tmpdir } from "node:os";
import { type Call, unstoppable } from "../io/call.ts";
import { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { Stores } from "../store/open-stores.ts";
import type { RegistryClientOptions } from "../store/registry/client.ts";
import { assembleImage, type ComposedImage } from "./assemble-image.ts";
import { buildLayers } from "./build-layers.ts";
import { type ComposeForecast, forecastCompose } from "./compose-forecast.ts";
import { topManifest } from "./compose-index.ts";
import { resolveCompositions } from "./compositions.ts";
import { FigureCounter, type TransferFigures } from "./figures.ts";
import { KeptListings } from "./kept-listings.ts";
import { moveTags } from "./move-tags.ts";
import { openPlaces } from "./places.ts";
import { PlatformLabels } from "./platform-labels.ts";
import { deliverImages } from "./push-image.ts";
import { layersSize } from "./resolve-image.ts";
import { originImages } from "./resolve-plan.ts";
import { BaseStream } from "./stream-base.ts";

/** Options of {@link compose}; those of the registries are among them. */
export interface ComposeOptions extends RegistryClientOptions {
  /** Stops the work; what is thrown is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** `"plan"` downloads no layer and gives a forecast; `"full"` makes the layer; neither pushes. Default `false`. */
  readonly dryRun?: false | "plan" | "full" | undefined;
  /** Most layers read, and blobs pushed, at once. Default 4. */
  readonly jobs?: number | undefined;
  /** Most bytes of staged content in memory; the rest goes to one temporary file. Default 32 MiB. */
  readonly memoryLimit?: number | undefined;
  /** Where that file is made. Default the system's (`TMPDIR`). */
  readonly temporaryDirectory?: string | undefined;
  /**
   * Where what base layers hold is kept between runs, so that they need not be downloaded again: names and attributes,
   * and the users' names. Made, for this user alone, when something is to be kept. Default: nothing is kept.
   */
  readonly cacheDirectory?: string | undefined;
  /**
   * Takes an archive that goes to standard output (`oci-archive:-`), once it is whole. Default: such targets are refused.
   */
  readonly writeOutput?: ((content: AsyncIterable<Uint8Array>) => Promise<void>) | undefined;
}

/** What {@link compose} did. */
export interface ComposeResult {
  /** Whether tags name one image's manifest, or an index. */
  readonly kind: "manifest" | "index";
  /** What was composed for: one, or those of the index in its order. */
  readonly platforms: readonly Platform[];
  /** One for each platform; none with `dryRun: "plan"`. */
  readonly images: readonly ComposedImage[];
  /**
   * Of the manifest or index that the first tag names, or would name: without what `appendPlatforms` would keep. Absent
   * with `dryRun: "plan"`.
   */
  readonly descriptor: Descriptor | undefined;
  /** Present with `dryRun: "plan"`. */
  readonly forecast: ComposeForecast | undefined;
  /**
   * One for each target repository or layout, in the order of the plan; with `appendPlatforms` for each digest there.
   * Empty when nothing was pushed.
   */
  readonly pushed: readonly PushedImage[];
  readonly figures: ComposeFigures;
}

/** One place the image went to. */
export interface PushedImage {
  /** `registry/repository`, `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`. */
  readonly name: string;
  readonly digest: Digest;
  readonly tags: readonly string[];
}

/** Sizes are compressed layer bytes, as registries count them: what several platforms share counts once. */
export interface ComposeFigures extends TransferFigures {
  readonly builderSize: number;
  readonly baseSize: number;
  readonly composedSize: number;
  readonly elapsedMs: number;
}

/**
 * Composes an image and pushes it: the base's layers, one new layer with what was copied, the base's configuration
 * with the changes; for several platforms side by side, with an index over them. Blobs go first, tags last: a failure
 * moves no tag.
 *
 * @throws ComposeImageError; the reason of `signal` when stopped.
 */
export async function compose(plan: ComposePlan, options: ComposeOptions = {}): Promise<ComposeResult> {
  for await (const result of composeEach([plan], options)) return result;
  throw new ComposeImageError("INTERNAL", "a plan without a result");
}

/**
 * Composes one image after the other, over the same connections and logins. Each is done when its result comes; what
 * fails ends it, and leaves those before as they are.
 *
 * @throws ComposeImageError; the reason of `signal` when stopped.
 */
export async function* composeEach(
  plans: readonly ComposePlan[],
  options: ComposeOptions = {},
): AsyncGenerator<ComposeResult> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  const { jobs = 4 } = options;
  let counter = new FigureCounter();
  let labels = new PlatformLabels();
  const onTransfer: TransferListener = (event) => {
    counter.count(event);
    options.onTransfer?.(labels.mark(event));
  };
  const transfers = 2 * jobs * (1 + Math.max(...plans.map(({ targets }) => targets.length), 0));
  const maxConnections = Math.max(options.maxConnections ?? 128, transfers);
  await using stores = new Stores({ ...options, onTransfer, maxConnections });
  for (const plan of plans) {
    counter = new FigureCounter();
    labels = new PlatformLabels();
    yield await composeOne(plan, { ...options, jobs, onTransfer }, stores, { counter, labels }, call);
  }
}

async function composeOne(
  plan: ComposePlan,
  options: ComposeOptions & { readonly jobs: number; readonly onTransfer: TransferListener },
  stores: Stores,
  { counter, labels }: { readonly counter: FigureCounter; readonly labels: PlatformLabels },
  call: Call,
): Promise<ComposeResult> {
  const startedAt = performance.now();
  const { jobs, dryRun = false, onTransfer } = options;
  const compositions = await resolveCompositions(plan, stores, jobs, call);
  const { kind, all } = compositions;
  labels.learn(compositions);
  const platforms = all.map(({ platform }) => platform);
  const baseLayers = all.flatMap(({ parts }) => parts.baseLayers);
  const figures = (newLayers: readonly Descriptor[]): ComposeFigures => {
    const bases = all.flatMap(({ images: { base } }) => base?.manifest.layers ?? []);
    const builders = all.flatMap(({ images }) => originImages(images));
    return {
      ...counter.figures(),
      builderSize: layersSize(builders.flatMap(({ manifest }) => manifest.layers)),
      baseSize: layersSize(bases),
      composedSize: layersSize([...bases, ...newLayers]),
      elapsedMs: performance.now() - startedAt,
    };
  };
  const { cacheDirectory } = options;
  const listings = cacheDirectory === undefined ? undefined : new KeptListings(cacheDirectory, onTransfer);
  if (dryRun === "plan") {
    const forecast = await forecastCompose(plan, all, listings, stores, jobs, call);
    return { kind, platforms, images: [], descriptor: undefined, forecast, pushed: [], figures: figures([]) };
  }

  const budget = new MemoryBudget(options.memoryLimit ?? 32 * 1024 * 1024);
  const temporaryDirectory = options.temporaryDirectory ?? tmpdir();
  await using layerSpool = new Spool(budget, temporaryDirectory);
  const targets = dryRun === "full" ? [] : await openPlaces(plan.targets, baseLayers, stores, jobs, call);
  const layers = await buildLayers(
    all,
    {
      baseStream: new BaseStream(baseLayers, targets),
      listings,
      jobs,
      budget,
      temporaryDirectory,
      onWarning: (message) => onTransfer({ kind: "warning", store: "layers", message }),
      layerSpool,
    },
    call,
  );
  const assembled = all.flatMap((composition, i) => {
    const layer = layers[i];
    return layer === undefined ? [] : assembleImage(composition, layer);
  });
  const images = assembled.map(({ image }) => image);
  labels.learnComposed(images);
  const toPush = assembled.map((each) => each.toPush);
  await deliverImages(toPush, targets, jobs, onTransfer, call);
  const delivered = new Set(images.map(({ descriptor }) => descriptor.digest));
  const { descriptor, topOf } = topManifest(plan, compositions, assembled);
  const moved = await moveTags(targets, topOf, delivered, onTransfer, call);
  return {
    kind,
    platforms,
    images,
    descriptor: moved[0]?.manifest.descriptor ?? descriptor,
    forecast: undefined,
    pushed: moved.map(({ target, manifest, tags }) => ({
      name: target.name,
      digest: manifest.descriptor.digest,
      tags,
    })),
    figures: figures(images.map(({ layer }) => layer)),
  };
}
