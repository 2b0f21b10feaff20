import type { Call } from "../io/call.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { type Stores, storeKey } from "../store/open-stores.ts";
import type { Target } from "../store/target.ts";
import { readsBase } from "./open-views.ts";
import { placesOf } from "./places.ts";
import { canMount, type ImageBlob, presentAt, uploadable } from "./push-image.ts";
import { layersSize } from "./resolve-image.ts";
import type { PlanImages } from "./resolve-plan.ts";

/** What a compose would move, found without downloading a layer. Sizes are compressed bytes. */
export interface ComposeForecast {
  /** Images whose layers would be read. */
  readonly reads: readonly { readonly image: string; readonly layers: number; readonly bytes: number }[];
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

/** Forecasts a compose from manifests alone. */
export async function forecastCompose(
  plan: ComposePlan,
  { base, builders }: PlanImages,
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
