import type { Call } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import { hostPlatform, normalizePlatform, type Platform } from "../model/platform.ts";
import type { ComposePlan, CopySource } from "../plan/compose-plan.ts";
import type { Stores } from "../store/open-stores.ts";
import { type ResolvedDirectory, resolveDirectory } from "./resolve-directory.ts";
import { type ResolvedImage, resolveImage } from "./resolve-image.ts";

/** The images and directories a plan names, resolved. */
export interface PlanImages {
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** By what copy steps are from, in their order. */
  readonly builders: ReadonlyMap<CopySource, ResolvedImage>;
  /** By what copy steps are from. */
  readonly directories: ReadonlyMap<CopySource, ResolvedDirectory>;
  readonly platform: Platform;
}

/**
 * Resolves a plan's references. The base decides the platform where the plan does not; with scratch the first builder.
 * Directories come first: what is wrong with them shows before anything is asked of a registry.
 *
 * @throws ComposeImageError as `resolveDirectory` and `resolveImage` do.
 */
export async function resolvePlan(plan: ComposePlan, stores: Stores, call: Call): Promise<PlanImages> {
  const directories = new Map<CopySource, ResolvedDirectory>();
  for (const { from } of plan.copies) {
    if (from.kind === "local" && !directories.has(from)) directories.set(from, await resolveDirectory(from));
  }
  const base =
    plan.base.kind === "scratch"
      ? undefined
      : await resolveImage(stores, "base", plan.base.location, plan.platform, call);
  const wanted = plan.builderPlatform ?? plan.platform ?? base?.config.platform;
  const builders = new Map<CopySource, ResolvedImage>();
  for (const { from } of plan.copies) {
    if (builders.has(from) || from.kind === "local") continue;
    if (from.kind !== "image") throw new ComposeImageError("INTERNAL", `a copy from a ${from.kind}`);
    builders.set(from, await resolveImage(stores, "builder", from.location, wanted, call));
  }
  const [firstBuilder] = builders.values();
  const platform = base?.config.platform ?? plan.platform ?? firstBuilder?.config.platform ?? hostPlatform();
  return { base, builders, directories, platform: normalizePlatform(platform) };
}
