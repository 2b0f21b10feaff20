import { formatLocation } from "../../model/location.ts";
import type { Platform } from "../../model/platform.ts";
import { overlayDraft, type PlanDraft } from "../../plan/plan-draft.ts";
import { draftFromDockerfile } from "../dockerfile/dockerfile.ts";
import type { Instruction } from "../dockerfile/instructions/instruction.ts";
import type { Dockerfile, DockerfileStage } from "../dockerfile/parse-dockerfile.ts";
import { placeName } from "../yaml/located.ts";
import type { DockerBuild } from "./build-config.ts";

/** What is said of a build from outside. */
export interface DockerBuildOptions {
  /** Values for `ARG`, over the BuildConfig's own. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  readonly platform?: Platform | undefined;
}

/**
 * What a BuildConfig's Dockerfile comes to, with what OpenShift changes in it: the last `FROM`, an `ENV` after each of
 * them, and labels.
 *
 * @throws ComposeImageError as {@link draftFromDockerfile} does: the place in the Dockerfile comes after the place of it.
 */
export function draftFromDockerBuild(build: DockerBuild, options: DockerBuildOptions = {}): PlanDraft {
  const { dockerfile, context, named, draft, place } = build;
  const { buildArgs = {}, platform } = options;
  const own = Object.fromEntries(build.buildArgs.map(({ name, value }) => [name, value]));
  const made = draftFromDockerfile(dockerfile.content, {
    name: placeName(dockerfile.place),
    context,
    buildContexts: named,
    buildArgs: { ...own, ...buildArgs },
    platform,
    amend: (file) => amended(file, build),
    givers: {
      argument: (name) =>
        Object.hasOwn(buildArgs, name)
          ? `--build-arg ${name}`
          : `${place.where}: spec.strategy.dockerStrategy.buildArgs: ${name}`,
      context: (name) => `${place.where}: spec.source.images: as ${name}`,
      howToGive: (name) => `an item of spec.source.images with as: [${name}]`,
    },
  });
  return overlayDraft(made, draft);
}

function amended(file: Dockerfile, { base, env }: DockerBuild): Dockerfile {
  const { stages, escapeCharacter } = file;
  return {
    ...file,
    stages: stages.map((stage) => {
      const isLast = stage.index === stages.length - 1;
      const from = isLast && base !== undefined ? stage.base.replaced(formatLocation(base)) : stage.base;
      const first = environment(stage, env, escapeCharacter);
      return { ...stage, base: from, instructions: [...first, ...stage.instructions] };
    }),
  };
}

/** The values stand in double quotes: what looks like a variable is one, as in OpenShift. */
function environment(
  { base }: DockerfileStage,
  env: DockerBuild["env"],
  escapeCharacter: string,
): Instruction[] {
  if (env.length === 0) return [];
  const isSpecial = (character: string): boolean => character === '"' || character === escapeCharacter;
  const pairs = env.map(({ name, value }) => {
    const escaped = [...value].map((each) => (isSpecial(each) ? escapeCharacter + each : each)).join("");
    return { key: base.replaced(name), value: base.replaced(`"${escaped}"`) };
  });
  return [{ keyword: "ENV", source: base, pairs }];
}
