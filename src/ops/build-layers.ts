import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Spool } from "../io/spool.ts";
import type { Composition } from "./assemble-image.ts";
import { buildLayer, type GroundedLayer } from "./build-layer.ts";
import type { KeptListings } from "./kept-listings.ts";
import { LayerReading, type LayerReadingOptions } from "./layer-reading.ts";
import { readsBase } from "./open-views.ts";
import { originImages } from "./resolve-plan.ts";
import type { BaseStream } from "./stream-base.ts";

/** What {@link buildLayers} works with. */
export interface BuildLayersContext extends LayerReadingOptions {
  readonly baseStream: BaseStream;
  readonly listings: KeptListings | undefined;
  readonly onWarning: (message: string) => void;
  /** Takes the finished layers; lives as long as they are needed. */
  readonly layerSpool: Spool;
}

/**
 * Makes the new layers of all platforms, side by side. What several of them read is read once; a layer that the same files
 * go into for several of them is made once.
 *
 * @returns in the order of the compositions.
 */
export async function buildLayers(
  compositions: readonly Composition[],
  context: BuildLayersContext,
  call: Call,
): Promise<GroundedLayer[]> {
  const builds = Map.groupBy(compositions, keyOfLayer);
  const warned = new Set<string>();
  const onWarning = (message: string): void => {
    if (!warned.has(message)) context.onWarning(message);
    warned.add(message);
  };
  await using reading = new LayerReading(context, builds.size);
  const layers = new Map<Composition, GroundedLayer>();
  await forEachConcurrently(
    builds.values(),
    builds.size,
    async (sharers, inner) => {
      const [first] = sharers;
      if (first === undefined) return;
      const { plan, images, parts } = first;
      const layer = await buildLayer(
        {
          ...context,
          ...images,
          plan,
          stage: parts.stage,
          epoch: plan.sourceDateEpoch,
          reading,
          onWarning,
        },
        inner,
      );
      for (const composition of sharers) layers.set(composition, layer);
    },
    call,
  );
  return compositions.flatMap((composition) => layers.get(composition) ?? []);
}

/** What decides a layer's bytes: the images that are read for it, and what is to be done with them. */
function keyOfLayer({ images, parts: { stage } }: Composition): string {
  const { base } = images;
  const read = [...originImages(images), ...(base !== undefined && readsBase(stage) ? [base] : [])];
  const stages = [stage, ...Array.from(images.stages.values(), ({ expanded }) => expanded)];
  return JSON.stringify([
    read.map(({ manifest }) => manifest.config.digest),
    stages.map(({ copies, config: { workdir, user }, ...rest }) => [
      copies.map(({ from: _, ...step }) => step),
      { ...rest, workdir, user },
    ]),
  ]);
}
