import { isDeepStrictEqual } from "node:util";
import { ComposeImageError } from "../../model/errors.ts";
import type { Platform } from "../../model/platform.ts";
import { distinctPlatforms } from "../../model/select-platform.ts";
import type { ComposePlan } from "../../plan/compose-plan.ts";
import { completePlan, overlayDraft, type PlanDraft, type PlanPart } from "../../plan/plan-draft.ts";
import type { PlatformChoice } from "../../plan/platforms.ts";
import { parseReplacement, replaceReferences } from "../../plan/replace-references.ts";
import { type ComposeFlags, draftFromFlags } from "../flags/compose-flags.ts";
import { type DockerfileOptions, draftFromDockerfile } from "./dockerfile.ts";

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
  const draft = draftForPlatforms(text, options, upper.platforms);
  const whole = overlayDraft(overlayDraft(lower, draft), upper);
  const plan = completePlan(whole, (part) => missing(part, name));
  return replaceReferences(plan, (options.replace ?? []).map(parseReplacement));
}

/** Any two, to see whether a Dockerfile says the same for both. */
const samplePlatforms: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm", variant: "v7" },
];

/**
 * What a Dockerfile says for one platform, or for several where it says the same for all.
 *
 * @throws ComposeImageError `USAGE` where it does not.
 */
function draftForPlatforms(
  text: string,
  options: DockerfilePlanOptions,
  choice: PlatformChoice | undefined,
): PlanDraft {
  const platforms = choice === "all" ? samplePlatforms : distinctPlatforms(choice ?? []);
  const [draft, ...others] = platforms.map((platform) => draftFromDockerfile(text, { ...options, platform }));
  if (draft === undefined) return draftFromDockerfile(text, options);
  const { platform: _, ...said } = draft;
  if (others.every(({ platform: __, ...other }) => isDeepStrictEqual(other, said))) return said;
  throw new ComposeImageError(
    "USAGE",
    `${options.name ?? "Dockerfile"} says something else for each platform, and several are asked for`,
    {
      hint: "It uses TARGETARCH or the like: compose one platform at a time, with --append-platforms.",
    },
  );
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
