import { hostPlatform, type Platform } from "../../model/platform.ts";
import type { CopySource } from "../../plan/compose-plan.ts";
import type { PlanDraft } from "../../plan/plan-draft.ts";
import { parseSourceDateEpoch } from "../../plan/source-date-epoch.ts";
import { BuildArguments, expectTaken } from "./build-arguments.ts";
import { type BuildContext, BuildContexts, expectNamed } from "./build-contexts.ts";
import { type Dockerfile, parseDockerfile } from "./parse-dockerfile.ts";
import { StageReader } from "./stage-reader.ts";

/** What goes with a Dockerfile. */
export interface DockerfileOptions {
  /** The file's name, for messages. Default `Dockerfile`. */
  readonly name?: string | undefined;
  /** What `COPY` without `--from` copies from; without it there is no such copy. */
  readonly context?: CopySource | undefined;
  /** The stage to make, by its name or its position. Default: the last. */
  readonly target?: string | undefined;
  /** Values for `ARG`. Default none: the environment is not looked at. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** What takes the place of stages and images. */
  readonly buildContexts?: readonly BuildContext[] | undefined;
  /** What is changed in the file before it is carried out. */
  readonly amend?: ((file: Dockerfile) => Dockerfile) | undefined;
  /** Name what gives an argument or a context, and say how to give a context, for messages. Default: the flags. */
  readonly givers?:
    | Readonly<Record<"argument" | "context" | "howToGive", (name: string) => string>>
    | undefined;
  /** Of the image. Default: this machine's architecture on linux, should the file ask. */
  readonly platform?: Platform | undefined;
}

/**
 * What a Dockerfile says, as far as it puts together what exists. Touches neither network nor files.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line and column, or with the
 *   option; also where something would have to be executed.
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function draftFromDockerfile(text: string, options: DockerfileOptions = {}): PlanDraft {
  const { name = "Dockerfile", context, target, buildContexts = [], amend, givers } = options;
  const given = new Map(Object.entries(options.buildArgs ?? {}));
  const written = parseDockerfile(text, name);
  const file = amend?.(written) ?? written;
  expectTaken(file, given, givers?.argument);
  const args = new BuildArguments(file, given, options.platform ?? hostPlatform());
  expectNamed(file, args, buildContexts, givers?.context);
  const reader = new StageReader(file, args, new BuildContexts(buildContexts, givers?.howToGive), context);
  const state = reader.target(target, options.platform);
  const epoch = given.get("SOURCE_DATE_EPOCH");
  const platform = state.platform ?? (args.isTargetUsed ? hostPlatform() : undefined);
  return {
    base: state.base,
    copies: state.copies,
    copiesNothing: true,
    config: state.config(),
    ...(state.expectations.length > 0 && { expectations: state.expectations }),
    ...(platform !== undefined && { platform }),
    ...(epoch !== undefined && {
      sourceDateEpoch: parseSourceDateEpoch(epoch, "--build-arg SOURCE_DATE_EPOCH: "),
    }),
  };
}
