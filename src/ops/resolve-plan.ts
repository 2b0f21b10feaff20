import type { Call } from "../io/call.ts";
import { scratchConfig } from "../model/config.ts";
import type { ImageLocation } from "../model/location.ts";
import { hostPlatform, normalizePlatform, type Platform } from "../model/platform.ts";
import type { ComposePlan, CopySource, Stage } from "../plan/compose-plan.ts";
import { stagesBelow } from "../plan/stages.ts";
import { type ExpandedStage, expandStage } from "./expand-stage.ts";
import { expectOfBase } from "./expect-of-base.ts";
import type { ResolvedDirectory } from "./resolve-directory.ts";
import type { ImageResolver, ResolvedImage } from "./resolve-image.ts";

/** The images and directories a plan names, resolved. */
export interface PlanImages {
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** By what copy steps are from, those of stages too. */
  readonly builders: ReadonlyMap<CopySource, ResolvedImage>;
  /** By what copy steps are from, those of stages too. */
  readonly directories: ReadonlyMap<CopySource, ResolvedDirectory>;
  /** Those that are copied from, each after those that it copies from itself. */
  readonly stages: ReadonlyMap<Stage, ResolvedStage>;
  readonly platform: Platform;
}

/** A stage that files are copied from. */
export interface ResolvedStage {
  /** For messages: `stage build (builder registry.example/sdk:1)`. */
  readonly name: string;
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  readonly expanded: ExpandedStage;
}

/**
 * Resolves a plan's references. The base decides the platform where the plan does not; with scratch the first builder.
 * Directories come first: what is wrong with them shows before anything is asked of a registry.
 *
 * @throws ComposeImageError as `resolveDirectory`, {@link ImageResolver.resolve} and `expandStage` do.
 */
export async function resolvePlan(plan: ComposePlan, found: ImageResolver, call: Call): Promise<PlanImages> {
  const below = stagesBelow(plan);
  const sources = new Set([...below, plan].flatMap(({ copies }) => copies.map(({ from }) => from)));
  const directories = new Map<CopySource, ResolvedDirectory>();
  for (const source of sources) {
    if (source.kind === "local") directories.set(source, await found.directory(source));
  }
  const base =
    plan.base.kind === "scratch"
      ? undefined
      : await found.resolve("base", plan.base.location, plan.platform, call);
  if (base !== undefined) expectOfBase(base, plan.expectations ?? []);
  const wanted = plan.builderPlatform ?? plan.platform ?? base?.config.platform;
  let firstBuilder: ResolvedImage | undefined;
  const resolveBuilder = async (location: ImageLocation, platform = wanted): Promise<ResolvedImage> => {
    const image = await found.resolve("builder", location, platform, call);
    firstBuilder ??= image;
    return image;
  };
  const builders = new Map<CopySource, ResolvedImage>();
  for (const source of sources) {
    if (source.kind !== "image") continue;
    const image = await resolveBuilder(source.location);
    expectOfBase(image, source.expectations ?? []);
    builders.set(source, image);
  }
  const stages = new Map<Stage, ResolvedStage>();
  for (const stage of below) {
    const stageBase =
      stage.base.kind === "scratch" ? undefined : await resolveBuilder(stage.base.location, stage.platform);
    if (stageBase !== undefined) expectOfBase(stageBase, stage.expectations ?? []);
    const config = stageBase?.config ?? scratchConfig(wanted ?? hostPlatform());
    const expanded = expandStage(stage, config);
    stages.set(stage, { name: stageName(stage, stageBase), base: stageBase, expanded });
  }
  const platform = base?.config.platform ?? plan.platform ?? firstBuilder?.config.platform ?? hostPlatform();
  return { base, builders, directories, stages, platform: normalizePlatform(platform) };
}

/** The images that files may be taken from, each once. */
export function originImages({ builders, stages }: PlanImages): ResolvedImage[] {
  const bases = [...stages.values()].flatMap(({ base }) => base ?? []);
  return [...new Set([...builders.values(), ...bases])];
}

function stageName({ name }: Stage, base: ResolvedImage | undefined): string {
  const baseName = base?.name ?? "scratch";
  return name === undefined ? `a stage on ${baseName}` : `stage ${name} (${baseName})`;
}
