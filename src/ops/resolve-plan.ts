import type { Call } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import { hostPlatform, normalizePlatform, type Platform } from "../model/platform.ts";
import type { ComposePlan, CopySource } from "../plan/compose-plan.ts";
import type { ImageResolver, ResolvedImage } from "./resolve-image.ts";

/** The images a plan names, resolved. */
export interface PlanImages {
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** By what copy steps are from, in their order. */
  readonly builders: ReadonlyMap<CopySource, ResolvedImage>;
  readonly platform: Platform;
}

/**
 * Resolves a plan's references. The base decides the platform where the plan does not; with scratch the first builder.
 *
 * @throws ComposeImageError as {@link ImageResolver.resolve} does.
 */
export async function resolvePlan(plan: ComposePlan, images: ImageResolver, call: Call): Promise<PlanImages> {
  const base =
    plan.base.kind === "scratch"
      ? undefined
      : await images.resolve("base", plan.base.location, plan.platform, call);
  const wanted = plan.builderPlatform ?? plan.platform ?? base?.config.platform;
  const builders = new Map<CopySource, ResolvedImage>();
  for (const { from } of plan.copies) {
    if (builders.has(from)) continue;
    if (from.kind !== "image") throw new ComposeImageError("INTERNAL", `a copy from a ${from.kind}`);
    builders.set(from, await images.resolve("builder", from.location, wanted, call));
  }
  const [firstBuilder] = builders.values();
  const platform = base?.config.platform ?? plan.platform ?? firstBuilder?.config.platform ?? hostPlatform();
  return { base, builders, platform: normalizePlatform(platform) };
}
