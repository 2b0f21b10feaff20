import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../model/platform.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import type { Stores } from "../store/open-stores.ts";
import { type Composition, describeParts } from "./assemble-image.ts";
import { choosePlatforms } from "./choose-platforms.ts";
import { ImageResolver } from "./resolve-image.ts";
import { type PlanImages, resolvePlan } from "./resolve-plan.ts";

/** All that a plan comes to: one image, or one for each platform with an index over them. */
export interface Compositions {
  readonly kind: "manifest" | "index";
  /** In the index's order; at least one. */
  readonly all: readonly Composition[];
}

/**
 * Resolves a plan for each of its platforms.
 *
 * @throws ComposeImageError as {@link ImageResolver.resolve} does; `FORMAT_UNSUPPORTED` where manifests would be of
 *   different formats.
 */
export async function resolveCompositions(
  plan: ComposePlan,
  stores: Stores,
  jobs: number,
  call: Call,
): Promise<Compositions> {
  const images = new ImageResolver(stores, plan.platforms !== undefined);
  const platforms = await choosePlatforms(plan, images, call);
  const { platforms: _, ...single } = plan;
  const plans = platforms?.map((platform) => ({ ...single, platform })) ?? [single];
  const resolved = new Map<ComposePlan, Composition>();
  await forEachConcurrently(
    plans,
    jobs,
    async (each, inner) => void resolved.set(each, await resolveOne(each, images, inner)),
    call,
  );
  const all = plans.flatMap((each) => resolved.get(each) ?? []);
  expectOneFormat(all);
  const isIndex = platforms !== undefined || plan.appendPlatforms === true;
  return { kind: isIndex ? "index" : "manifest", all };
}

async function resolveOne(plan: ComposePlan, images: ImageResolver, call: Call): Promise<Composition> {
  const found = await resolvePlan(plan, images, call);
  return {
    plan,
    platform: platformOfResult(plan, found),
    images: found,
    parts: describeParts(plan, found),
  };
}

/** The platform asked for, with the base's details; a base of a lower variant that stands in does not lower it. */
function platformOfResult({ platform }: ComposePlan, { base, platform: normalized }: PlanImages): Platform {
  if (base === undefined) return normalized;
  const isSame = platform === undefined || formatPlatform(platform) === formatPlatform(base.platform);
  return isSame ? base.platform : normalizePlatform(platform);
}

function expectOneFormat(all: readonly Composition[]): void {
  if (new Set(all.map(({ parts }) => parts.family)).size <= 1) return;
  const formats = all.map(({ platform, parts }) => `${formatPlatform(platform)} in ${parts.family}`);
  throw new ComposeImageError(
    "FORMAT_UNSUPPORTED",
    `the base's manifests are of different formats: ${formats.join(", ")}`,
    { hint: "An index is of one: choose it with --format oci or --format docker." },
  );
}
