import { ComposeImageError } from "../../model/errors.ts";
import type { ComposePlan } from "../../plan/compose-plan.ts";
import { completePlan, overlayDraft, type PlanDraft, type PlanPart } from "../../plan/plan-draft.ts";
import { parseReplacement, replaceReferences } from "../../plan/replace-references.ts";
import { type ComposeFlags, draftFromFlags } from "../flags/compose-flags.ts";
import { type DockerfileOptions, draftFromDockerfile } from "./dockerfile.ts";
import { draftForPlatforms } from "./platform-drafts.ts";

/** What goes with a Dockerfile, and over it. */
export interface DockerfilePlanOptions extends Omit<DockerfileOptions, "platform"> {
  /** Flags, put over what the file says. */
  readonly flags?: ComposeFlags | undefined;
  /** `FROM=TO`, for the references in the plan. */
  readonly replace?: readonly string[] | undefined;
  /** Used where neither file nor flags say it. */
  readonly sourceDateEpoch?: number | undefined;
}

/**
 * Turns a Dockerfile into a plan. Touches neither network nor files.
 *
 * @throws ComposeImageError as {@link draftFromDockerfile} does; `USAGE` for flags that have no meaning with one.
 */
export function planDockerfile(text: string, options: DockerfilePlanOptions = {}): ComposePlan {
  const { flags = {}, sourceDateEpoch, name = "Dockerfile" } = options;
  expectNoCopyFlags(flags);
  const upper = draftFromFlags(flags);
  const lower: PlanDraft = sourceDateEpoch === undefined ? {} : { sourceDateEpoch };
  const draft = draftForPlatforms(upper.platforms, name, (platform) =>
    draftFromDockerfile(text, { ...options, platform }),
  );
  const whole = overlayDraft(overlayDraft(lower, draft), upper);
  const plan = completePlan(whole, (part) => missing(part, name));
  return replaceReferences(plan, (options.replace ?? []).map(parseReplacement));
}

/** What a Dockerfile says by its own words. */
function expectNoCopyFlags({ builder, base, directory = [] }: ComposeFlags): void {
  const [flag] = [
    ...(builder === undefined ? [] : ["--builder"]),
    ...(base === undefined ? [] : ["--base"]),
    ...(directory.length === 0 ? [] : ["--directory"]),
  ];
  if (flag === undefined) return;
  throw new ComposeImageError("USAGE", `${flag} has no meaning with a Dockerfile`, {
    hint: "The file says it; --build-context NAME=IMAGE puts another image in the place of a stage or an image.",
  });
}

function missing(part: PlanPart, name: string): ComposeImageError {
  if (part === "targets") {
    return new ComposeImageError("USAGE", `${name} does not say where to push to`, {
      hint: "Give --tag IMAGE.",
    });
  }
  return new ComposeImageError("INTERNAL", `a Dockerfile without ${part}`);
}
