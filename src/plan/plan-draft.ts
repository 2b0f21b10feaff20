import type { ComposeImageError } from "../model/errors.ts";
import { distinctPlatforms } from "../model/select-platform.ts";
import type { ComposePlan, ConfigChanges, CopySource, CopyStep } from "./compose-plan.ts";
import { defaultCompression } from "./compression.ts";
import type { PlatformChoice } from "./platforms.ts";
import { SharedSources } from "./share-sources.ts";

/** A copy step that may leave open what it takes from: then it is the draft's builder. */
export interface DraftCopy extends Omit<CopyStep, "from"> {
  readonly from?: CopySource;
}

/** What can be said of all copy steps at once. */
export type CopyOptions = Partial<Pick<CopyStep, "chown" | "chmod" | "exclude" | "link">>;

/** What is said so far of a plan. Front ends make drafts; one over the other, completed, they are the plan. */
export interface PlanDraft extends Partial<Omit<ComposePlan, "copies">> {
  /** Taken from by the steps that do not say. */
  readonly builder?: CopySource;
  readonly copies?: readonly DraftCopy[];
  /** One or several: of a single one the plan makes its `platform`. */
  readonly platforms?: PlatformChoice;
  /** Whether there may be no copies at all. */
  readonly copiesNothing?: boolean;
  /** Put over every copy step, those of drafts below too. */
  readonly copyOptions?: CopyOptions;
}

/** What a plan cannot do without. */
export type PlanPart = "builder" | "base" | "copies" | "targets";

/**
 * One draft over another. What the upper one says takes the place of what the lower one says; environment, labels and
 * annotations are merged.
 */
export function overlayDraft(lower: PlanDraft, upper: PlanDraft): PlanDraft {
  const config = overlayConfig(lower.config ?? {}, upper.config ?? {});
  return {
    ...lower,
    ...upper,
    config,
    annotations: { ...lower.annotations, ...upper.annotations },
    copyOptions: { ...lower.copyOptions, ...upper.copyOptions },
  };
}

/**
 * Makes the plan of a draft. Copy steps from equal sources share one, those of stages too.
 *
 * @param missing makes the error for a part that nobody has said.
 * @throws ComposeImageError `USAGE`
 */
export function completePlan(draft: PlanDraft, missing: (part: PlanPart) => ComposeImageError): ComposePlan {
  const {
    builder,
    copies: steps = [],
    copyOptions,
    base,
    targets = [],
    platforms,
    copiesNothing,
    ...rest
  } = draft;
  const isWithoutSource = builder === undefined && steps.every(({ from }) => from === undefined);
  const mayBeEmpty = steps.length === 0 && copiesNothing === true;
  if (isWithoutSource && !mayBeEmpty) throw missing("builder");
  if (base === undefined) throw missing("base");
  if (steps.length === 0 && !mayBeEmpty) throw missing("copies");
  if (targets.length === 0) throw missing("targets");
  const shared = new SharedSources(draft.builderPlatform ?? draft.platform);
  const copies = steps.map((step): CopyStep => {
    const from = step.from ?? builder;
    if (from === undefined) throw missing("builder");
    return { ...step, from: shared.of(from), ...copyOptions };
  });
  return {
    config: {},
    annotations: {},
    compression: defaultCompression,
    record: "annotations",
    ...rest,
    ...(platforms !== undefined && severalOrOne(platforms)),
    base,
    copies,
    targets,
  };
}

/** One platform alone makes a manifest, not an index. */
function severalOrOne(platforms: PlatformChoice): Pick<ComposePlan, "platform" | "platforms"> {
  if (platforms === "all") return { platforms };
  const distinct = distinctPlatforms(platforms);
  const [only, ...more] = distinct;
  if (only === undefined) return {};
  return more.length === 0 ? { platform: only } : { platforms: distinct };
}

function overlayConfig(lower: ConfigChanges, upper: ConfigChanges): ConfigChanges {
  const env = { ...lower.env, ...upper.env };
  const labels = { ...lower.labels, ...upper.labels };
  return {
    ...lower,
    ...upper,
    ...(Object.keys(env).length > 0 && { env }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}
