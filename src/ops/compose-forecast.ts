import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { type Stores, storeKey } from "../store/open-stores.ts";
import type { Target } from "../store/target.ts";
import type { Composition } from "./assemble-image.ts";
import type { KeptListings } from "./kept-listings.ts";
import { readsBase } from "./open-views.ts";
import { placesOf } from "./places.ts";
import { canMount, type ImageBlob, presentAt, uploadable } from "./push-image.ts";
import { layersSize, type ResolvedImage } from "./resolve-image.ts";
import { originImages } from "./resolve-plan.ts";

/** What a compose would move, found without downloading a layer. Sizes are compressed bytes. */
export interface ComposeForecast {
  /** Images whose layers would be read, and how many of them: not those of the base that are known from earlier runs. */
  readonly reads: readonly { readonly image: string; readonly layers: number; readonly bytes: number }[];
  /** Directories of this machine that would be read, as they are named: `directory ./dist`. */
  readonly directories: readonly string[];
  /** What would become of the base's layers at each target. The new layer comes on top. */
  readonly targets: readonly TargetForecast[];
}

/** The base's layers at one target. */
export interface TargetForecast {
  readonly target: string;
  readonly presentBytes: number;
  readonly mountedBytes: number;
  readonly copiedBytes: number;
}

/**
 * Asks a target which of the base's layers it has.
 *
 * @param target absent for a layout that does not exist yet.
 */
async function forecastTarget(
  name: string,
  target: Target | undefined,
  blobs: readonly ImageBlob[],
  jobs: number,
  call: Call,
): Promise<TargetForecast> {
  const present = target && (await presentAt(target, blobs, jobs, call));
  const sizes = { presentBytes: 0, mountedBytes: 0, copiedBytes: 0 };
  for (const blob of uploadable(blobs)) {
    const { digest, size } = blob.descriptor;
    if (present?.get(digest)) sizes.presentBytes += size;
    else if (target !== undefined && canMount(blob, target)) sizes.mountedBytes += size;
    else sizes.copiedBytes += size;
  }
  return { target: name, ...sizes };
}

/**
 * Forecasts a compose from manifests alone. What several platforms share is read once, and counted for the first of them.
 *
 * @param listings layers of the base that it has would not be read.
 */
export async function forecastCompose(
  plan: ComposePlan,
  compositions: readonly Composition[],
  listings: KeptListings | undefined,
  stores: Stores,
  jobs: number,
  call: Call,
): Promise<ComposeForecast> {
  const images = compositions.map((composition) => composition.images);
  const directories = images.flatMap((each) => [...each.directories.values()]);
  const seen = new Set<Digest>();
  const reads = [];
  for (const builder of new Set(images.flatMap(originImages))) {
    reads.push(readOf(builder, unseen(builder.manifest.layers, seen)));
  }
  for (const {
    images: { base },
    parts,
  } of compositions) {
    if (base === undefined || !readsBase(parts.stage)) continue;
    const unknown: Descriptor[] = [];
    for (const layer of base.manifest.layers) if (!(await listings?.has(layer))) unknown.push(layer);
    if (unknown.length > 0) reads.push(readOf(base, unseen(unknown, seen)));
  }
  const baseLayers = compositions.flatMap(({ parts }) => parts.baseLayers);
  const targets = [];
  for (const { location } of placesOf(plan.targets)) {
    const target = await stores.existingTarget(location, call);
    targets.push(await forecastTarget(storeKey(location), target, baseLayers, jobs, call));
  }
  return {
    reads,
    directories: [...new Set(directories.map(({ name }) => name))],
    targets,
  };
}

/** Layers that are not among those seen so far, each once; from then on they are. */
function unseen(layers: readonly Descriptor[], seen: Set<Digest>): Descriptor[] {
  return layers.filter(({ digest }) => {
    const isNew = !seen.has(digest);
    seen.add(digest);
    return isNew;
  });
}

function readOf({ name }: ResolvedImage, layers: readonly Descriptor[]): ComposeForecast["reads"][number] {
  return { image: name, layers: layers.length, bytes: layersSize(layers) };
}
