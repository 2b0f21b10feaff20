import { tmpdir } from "node:os";
import type { Call } from "../io/call.ts";
import { unstoppable } from "../io/call.ts";
import { allTogether } from "../io/concurrency.ts";
import { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import { ignoreTransfers } from "../io/transfer.ts";
import { type ImageConfig, scratchConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type Digest, digestOf } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import { encodeJson, encodeManifest } from "../model/manifest.ts";
import { familyOf, type MediaTypeFamily, mediaTypes } from "../model/media-types.ts";
import { hostPlatform, normalizePlatform, type Platform } from "../model/platform.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { Stores, storeKey } from "../store/open-stores.ts";
import type { RegistryClientOptions } from "../store/registry/client.ts";
import type { StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import { type BuiltLayer, buildLayer, readsBase } from "./build-layer.ts";
import { type ComposeForecast, forecastTarget } from "./compose-forecast.ts";
import { createdTime } from "./created-time.ts";
import { deriveConfig, workingDirectory } from "./derive-config.ts";
import { layerInFamily, newLayerMediaType } from "./derive-manifest.ts";
import { FigureCounter, type TransferFigures } from "./figures.ts";
import { type ImageBlob, type ImageToPush, presentAt, pushImage } from "./push-image.ts";
import { baseAnnotations, createdBy, recordAnnotations } from "./record.ts";
import { layersSize, type ResolvedImage, resolveImage } from "./resolve-image.ts";

/** Options of {@link compose}; those of the registries are among them. */
export interface ComposeOptions extends RegistryClientOptions {
  /** Stops the work; what is thrown is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** `"plan"` downloads no layer and gives a forecast; `"full"` makes the layer; neither pushes. Default `false`. */
  readonly dryRun?: false | "plan" | "full" | undefined;
  /** Most layers read, and blobs pushed, at once. Default 4. */
  readonly jobs?: number | undefined;
  /** Most bytes of staged content in memory; the rest goes to one temporary file. Default 64 MiB. */
  readonly memoryLimit?: number | undefined;
  /** Where that file is made. Default the system's (`TMPDIR`). */
  readonly temporaryDirectory?: string | undefined;
}

/** What {@link compose} did. */
export interface ComposeResult {
  readonly platform: Platform;
  /** Absent with `dryRun: "plan"`. */
  readonly image: ComposedImage | undefined;
  /** Present with `dryRun: "plan"`. */
  readonly forecast: ComposeForecast | undefined;
  /** One for each target repository or layout, in the order of the plan; empty when nothing was pushed. */
  readonly pushed: readonly PushedImage[];
  readonly figures: ComposeFigures;
}

/** The image as it was made. */
export interface ComposedImage {
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  readonly layer: Descriptor;
  /** Digest of the new layer's uncompressed tar. */
  readonly diffId: Digest;
  /** Entries of the new layer. */
  readonly layerEntries: number;
  /** Bytes of the new layer's tar. */
  readonly layerTarSize: number;
}

/** One place the image went to. */
export interface PushedImage {
  /** `registry/repository`, or `oci:DIR`. */
  readonly name: string;
  readonly digest: Digest;
  readonly tags: readonly string[];
}

/** Sizes are compressed layer bytes, as registries count them. */
export interface ComposeFigures extends TransferFigures {
  readonly builderSize: number;
  readonly baseSize: number;
  readonly composedSize: number;
  readonly elapsedMs: number;
}

/**
 * Composes an image and pushes it: the base's layers, one new layer with what was copied, the base's configuration
 * with the changes. Blobs go first, tags last: a failure moves no tag.
 *
 * @throws ComposeImageError; the reason of `signal` when stopped.
 */
export async function compose(plan: ComposePlan, options: ComposeOptions = {}): Promise<ComposeResult> {
  const startedAt = performance.now();
  const counter = new FigureCounter();
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  const onTransfer = counter.listener(options.onTransfer ?? ignoreTransfers);
  const { jobs = 4, dryRun = false } = options;
  await using stores = new Stores({ ...options, onTransfer });
  const images = await resolveImages(plan, stores, call);
  const { base, builders, platform } = images;
  const parts = describeParts(plan, images);
  const figures = (composedSize: number): ComposeFigures => ({
    ...counter.figures(),
    builderSize: [...builders.values()].reduce((sum, { manifest }) => sum + layersSize(manifest), 0),
    baseSize: base === undefined ? 0 : layersSize(base.manifest),
    composedSize,
    elapsedMs: performance.now() - startedAt,
  });
  if (dryRun === "plan") {
    const forecast = await forecastCompose(plan, images, parts.baseLayers, stores, jobs, call);
    return { platform, image: undefined, forecast, pushed: [], figures: figures(0) };
  }

  const budget = new MemoryBudget(options.memoryLimit ?? 64 * 1024 * 1024);
  const temporaryDirectory = options.temporaryDirectory ?? tmpdir();
  await using layerSpool = new Spool(budget, temporaryDirectory);
  const places = dryRun === false ? await openPlaces(plan.targets, stores, call) : [];
  const [layer, presence] = await allTogether(
    (inner) =>
      buildLayer(
        {
          plan,
          builders,
          base,
          workingDirectory: workingDirectory(parts.baseConfig, plan.config),
          jobs,
          budget,
          temporaryDirectory,
          onWarning: (message) => onTransfer({ kind: "warning", store: "layers", message }),
          layerSpool,
        },
        inner,
      ),
    (inner) => Promise.all(places.map(({ target }) => presentAt(target, parts.baseLayers, jobs, inner))),
    call,
  );
  const { image, toPush } = assemble(plan, images, parts, layer);
  const targets = places.map((place, i) => ({ ...place, present: presence[i] ?? new Set<Digest>() }));
  await pushImage(toPush, targets, jobs, onTransfer, call);
  return {
    platform,
    image,
    forecast: undefined,
    pushed: places.map(({ target, tags }) => ({ name: target.name, digest: image.descriptor.digest, tags })),
    figures: figures(parts.baseLayers.reduce((sum, { descriptor }) => sum + descriptor.size, 0) + layer.size),
  };
}

interface ResolvedImages {
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** By the location that copy steps name, in their order. */
  readonly builders: ReadonlyMap<ImageLocation, ResolvedImage>;
  readonly platform: Platform;
}

async function resolveImages(plan: ComposePlan, stores: Stores, call: Call): Promise<ResolvedImages> {
  const base =
    plan.base.kind === "scratch"
      ? undefined
      : await resolveImage(stores, "base", plan.base.location, plan.platform, call);
  const wanted = plan.builderPlatform ?? plan.platform ?? base?.config.platform;
  const builders = new Map<ImageLocation, ResolvedImage>();
  for (const { from } of plan.copies) {
    if (!builders.has(from)) builders.set(from, await resolveImage(stores, "builder", from, wanted, call));
  }
  const [firstBuilder] = builders.values();
  const platform = base?.config.platform ?? plan.platform ?? firstBuilder?.config.platform ?? hostPlatform();
  return { base, builders, platform: normalizePlatform(platform) };
}

/** What is known of the composed image before a layer is read. */
interface KnownParts {
  readonly family: MediaTypeFamily;
  readonly baseConfig: ImageConfig;
  readonly baseLayers: readonly ImageBlob[];
}

function describeParts(plan: ComposePlan, { base, platform }: ResolvedImages): KnownParts {
  const family = plan.format ?? (base === undefined ? "oci" : familyOf(base.manifest.mediaType));
  if (family === "docker" && Object.keys(plan.annotations).length > 0) {
    throw new ComposeImageError("FORMAT_UNSUPPORTED", "manifests in the docker format have no annotations", {
      hint: "Compose with --format oci, or use --label.",
    });
  }
  if (base === undefined) return { family, baseConfig: scratchConfig(platform), baseLayers: [] };
  return {
    family,
    baseConfig: base.config,
    baseLayers: base.manifest.layers.map((layer) => ({
      descriptor: layerInFamily(layer, family, base.name),
      open: (call: Call) => base.source.fetch(layer, call),
      mountFrom: base.source.mountOrigin,
    })),
  };
}

function assemble(
  plan: ComposePlan,
  { base, builders }: ResolvedImages,
  { family, baseConfig, baseLayers }: KnownParts,
  layer: BuiltLayer,
): { image: ComposedImage; toPush: ImageToPush } {
  const images = [...builders.values()];
  const origin = {
    ...baseAnnotations(base),
    ...(plan.record === "annotations" && recordAnnotations(plan, images)),
  };
  const changes =
    family === "docker" ? { ...plan.config, labels: { ...origin, ...plan.config.labels } } : plan.config;
  const workdir = changes.workdir === undefined ? {} : { workdir: workingDirectory(baseConfig, changes) };
  const configBytes = encodeJson(
    deriveConfig(
      baseConfig,
      { ...changes, ...workdir },
      {
        diffId: layer.diffId,
        created: createdTime(plan, base, images),
        createdBy: createdBy(plan.copies),
        comment: plan.historyComment,
      },
    ),
  );
  const layerDescriptor: Descriptor = {
    mediaType: newLayerMediaType(family, plan.compression.algorithm),
    digest: layer.digest,
    size: layer.size,
  };
  const configDescriptor = describe(mediaTypes[family].config, configBytes);
  const manifestBytes = encodeManifest({
    kind: "manifest",
    mediaType: mediaTypes[family].manifest,
    config: configDescriptor,
    layers: [...baseLayers.map(({ descriptor }) => descriptor), layerDescriptor],
    annotations: family === "docker" ? {} : { ...origin, ...plan.annotations },
  });
  const manifest: StoredManifest = {
    descriptor: describe(mediaTypes[family].manifest, manifestBytes),
    bytes: manifestBytes,
  };
  return {
    image: {
      descriptor: manifest.descriptor,
      config: configDescriptor,
      layer: layerDescriptor,
      diffId: layer.diffId,
      layerEntries: layer.entries,
      layerTarSize: layer.tarSize,
    },
    toPush: {
      layers: [...baseLayers, { descriptor: layerDescriptor, open: layer.open, mountFrom: undefined }],
      config: {
        descriptor: configDescriptor,
        open: () => Promise.resolve(once(configBytes)),
        mountFrom: undefined,
      },
      manifest,
    },
  };
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A store the image goes to, with all the tags asked for there. */
interface Place {
  readonly location: ImageLocation;
  readonly tags: readonly string[];
}

/** The stores of the targets, each once, in the order they were first named. */
function placesOf(targets: readonly ImageLocation[]): Place[] {
  const places = new Map<string, { location: ImageLocation; tags: string[] }>();
  for (const location of targets) {
    const key = storeKey(location);
    const place = places.get(key) ?? { location, tags: [] };
    const tag = (location.transport === "registry" ? location.reference.tag : location.tag) ?? "latest";
    if (!place.tags.includes(tag)) place.tags.push(tag);
    places.set(key, place);
  }
  return [...places.values()];
}

async function openPlaces(
  targets: readonly ImageLocation[],
  stores: Stores,
  call: Call,
): Promise<{ readonly target: Target; readonly tags: readonly string[] }[]> {
  const opened = [];
  for (const { location, tags } of placesOf(targets)) {
    opened.push({ target: await stores.target(location, call), tags });
  }
  return opened;
}

async function forecastCompose(
  plan: ComposePlan,
  { base, builders }: ResolvedImages,
  baseLayers: readonly ImageBlob[],
  stores: Stores,
  jobs: number,
  call: Call,
): Promise<ComposeForecast> {
  const read = [...builders.values(), ...(base !== undefined && readsBase(plan) ? [base] : [])];
  const targets = [];
  for (const { location } of placesOf(plan.targets)) {
    const target = await stores.existingTarget(location, call);
    targets.push(await forecastTarget(storeKey(location), target, baseLayers, jobs, call));
  }
  return {
    reads: read.map((image) => ({
      image: image.name,
      layers: image.manifest.layers.length,
      bytes: layersSize(image.manifest),
    })),
    targets,
  };
}
