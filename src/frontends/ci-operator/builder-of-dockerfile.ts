import { ComposeImageError } from "../../model/errors.ts";
import { formatLocation, type ImageLocation } from "../../model/location.ts";
import { hostPlatform } from "../../model/platform.ts";
import type { RegistryName } from "../../model/reference.ts";
import { parseImage } from "../../plan/images.ts";
import { type Replacement, replaceLocation } from "../../plan/replace-references.ts";
import { BuildArguments, expectTaken } from "../dockerfile/build-arguments.ts";
import { type Dockerfile, type DockerfileStage, parseDockerfile } from "../dockerfile/parse-dockerfile.ts";
import { nearestWord } from "../yaml/nearest.ts";

/** How the builder is found in a Dockerfile. */
export interface BuilderStageOptions {
  /** The file's name, for messages. */
  readonly name: string;
  /** The stage, by its name or position, or `first` or `last`. Default: the last. */
  readonly stage?: string | undefined;
  /** Values for `ARG`. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** What is replaced in references before their registry is looked at. The image is returned as it was before. */
  readonly replacements?: readonly Replacement[] | undefined;
  /** Registries that the image may come from, or parts of them. Default: any. */
  readonly allowed?: readonly RegistryName[] | undefined;
}

/**
 * The image that a stage of a Dockerfile is built on: the one its `FROM` names, or that of the stage it names.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID` with file, line and column, or with the flag.
 */
export function builderOfDockerfile(text: string, options: BuilderStageOptions): ImageLocation {
  const { name, stage: asked, buildArgs = {}, replacements = [], allowed = [] } = options;
  const file = parseDockerfile(text, name);
  const given = new Map(Object.entries(buildArgs));
  expectTaken(file, given);
  const args = new BuildArguments(file, given, hostPlatform());
  const stage = rootOf(asked === undefined ? lastOf(file) : stageOf(file, asked), file, args);
  const base = args.expand(stage.base);
  if (base === "scratch") {
    throw stage.base.fault(
      "scratch is no image to take files from",
      `Name another stage: --stage ${stagesOf(file)}.`,
    );
  }
  if (base === "") {
    throw stage.base.fault(
      `${stage.base.text} is empty`,
      "Give its variable a value: --build-arg NAME=VALUE.",
    );
  }
  const location = parseImage(base, `${stage.base.at()}: FROM`);
  const replaced = replaceLocation(location, replacements);
  if (allowed.length > 0 && !allowed.some((registry) => isIn(replaced, registry))) {
    throw stage.base.fault(
      `${formatLocation(replaced)} is in no registry that is allowed`,
      "Allow its registry with --allow-registry HOST, or have it from another: --replace FROM=TO.",
    );
  }
  return location;
}

/** The first of the stages that a stage is built on, which is built on an image. */
function rootOf(stage: DockerfileStage, file: Dockerfile, args: BuildArguments): DockerfileStage {
  const base = args.expand(stage.base);
  const parent = file.stages.find((each) => each.index < stage.index && each.name === base);
  return parent === undefined ? stage : rootOf(parent, file, args);
}

function lastOf({ stages, name }: Dockerfile): DockerfileStage {
  const stage = stages.at(-1);
  if (stage === undefined) throw new ComposeImageError("INTERNAL", `${name} has no stages`);
  return stage;
}

/** @throws ComposeImageError `USAGE` for a name that means no stage, or two. */
function stageOf(file: Dockerfile, asked: string): DockerfileStage {
  const { stages, name: fileName } = file;
  const position = positions(stages).get(asked);
  const named = stages.find(({ name }) => name === asked.toLowerCase());
  if (position !== undefined && named !== undefined && position !== named) {
    throw new ComposeImageError(
      "USAGE",
      `--stage ${asked} may mean the ${asked} stage, at ${position.base.at()}, or the one of that name, at ${named.base.at()}`,
      { hint: `Give its position: ${stagesOf(file)}.` },
    );
  }
  const found = position ?? named ?? (/^[0-9]+$/.test(asked) ? stages[Number(asked)] : undefined);
  if (found !== undefined) return found;
  const nearest = nearestWord(
    asked,
    stages.flatMap(({ name }) => name ?? []),
  );
  const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
  throw new ComposeImageError("USAGE", `--stage ${asked}: ${fileName} has no such stage`, {
    hint: `${meant}It has ${stagesOf(file)}.`,
  });
}

function positions(stages: readonly DockerfileStage[]): Map<string, DockerfileStage> {
  const [first] = stages;
  const last = stages.at(-1);
  return new Map([
    ...(first === undefined ? [] : ([["first", first]] as const)),
    ...(last === undefined ? [] : ([["last", last]] as const)),
  ]);
}

/** `0 (builder), 1`: what stages there are. */
function stagesOf({ stages }: Dockerfile): string {
  return stages.map(({ index, name }) => (name === undefined ? `${index}` : `${index} (${name})`)).join(", ");
}

function isIn(location: ImageLocation, { registry, path }: RegistryName): boolean {
  if (location.transport !== "registry") return false;
  const { reference } = location;
  return (
    reference.registry === registry && (path === "" || `${reference.repository}/`.startsWith(`${path}/`))
  );
}
