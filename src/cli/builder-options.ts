import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation } from "../model/location.ts";
import { parseRegistryName } from "../model/reference.ts";
import { followImageStream, type ImageStreamName, parseImageStreamRegistry } from "../plan/image-streams.ts";
import type { Replacement } from "../plan/replace-references.ts";
import { within } from "../plan/within.ts";
import { collectOption } from "./collect-option.ts";
import { givenVariable } from "./given-variable.ts";
import { readText } from "./read-text.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that name the builder, each in a way of its own. */
export interface BuilderFlags {
  readonly builder?: string | undefined;
  readonly builderFromRepository?: string;
  readonly imagestreamRegistry?: string;
  readonly builderFromDockerfile?: string;
  readonly stage?: string;
  readonly allowRegistry?: readonly string[];
  readonly buildArg?: readonly string[];
}

/** The builder: an image as `--builder` has it, or an image stream. */
export interface NamedBuilder {
  readonly builder?: string | undefined;
  readonly buildRoot?: ImageStreamName | undefined;
}

/** The flag that names it as it is. */
export const builderOption = [
  "--builder <image>",
  "image the directories are taken from: a registry reference, oci:DIR, oci-archive:FILE, docker-archive:FILE; or local:DIR",
] as const;

/** Adds the flags that name the builder. */
export function addBuilderOptions(command: Command): Command {
  return command
    .option(...builderOption)
    .option(
      "--builder-from-repository <dir>",
      "take the builder that the .ci-operator.yaml in this directory names",
    )
    .option(
      "--imagestream-registry <host[/path]>",
      "registry that OpenShift's image streams are pulled from, as HOST/NAMESPACE/NAME:TAG",
    )
    .option("--builder-from-dockerfile <file>", "take the builder that a FROM of this Dockerfile names")
    .option("--stage <stage>", "its stage: a name, a position, first or last (default: last)")
    .option(
      "--allow-registry <host[/path]>",
      "registry that this builder may come from (default: any); repeatable",
      collectOption,
    );
}

/**
 * The builder that flags name, be it in a repository's file or a Dockerfile.
 *
 * @param replacements what is replaced in references, before a registry is looked at.
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, for two flags that name a builder as well; `LOCAL_IO`.
 */
export async function readBuilder(
  flags: BuilderFlags,
  replacements: readonly Replacement[],
  terminal: Terminal,
): Promise<NamedBuilder> {
  expectOneBuilder(flags);
  const { builder, builderFromRepository: directory, builderFromDockerfile: dockerfile } = flags;
  if (directory !== undefined) return { buildRoot: await readRepository(directory, terminal) };
  if (dockerfile !== undefined)
    return { builder: await readDockerfile(dockerfile, flags, replacements, terminal) };
  return { builder };
}

/**
 * The builder as `--builder` names it, where there is no file to say what image streams are.
 *
 * @throws ComposeImageError `USAGE`, also for a registry of image streams that nothing asks for.
 */
export function imageOfBuilder(
  { builder, buildRoot }: NamedBuilder,
  { imagestreamRegistry }: BuilderFlags,
): string | undefined {
  const flag = "--imagestream-registry";
  const registry =
    imagestreamRegistry === undefined ? undefined : parseImageStreamRegistry(imagestreamRegistry, flag);
  if (buildRoot !== undefined) return formatLocation(followImageStream(buildRoot, { registry }));
  if (registry === undefined) return builder;
  throw new ComposeImageError("USAGE", `${flag}: there is no image stream that it could be for`, {
    hint: "It goes with --builder-from-repository, and with a BuildConfig.",
  });
}

async function readRepository(directory: string, terminal: Terminal): Promise<ImageStreamName> {
  if (directory === "") {
    throw new ComposeImageError("USAGE", "--builder-from-repository is missing", {
      hint: "Name the directory that has the repository, for example . for the current one.",
    });
  }
  const { buildRootFile, readBuildRoot } = await import("../frontends/ci-operator/build-root.ts");
  const path = join(resolve(directory), buildRootFile);
  return readBuildRoot(await readText(path, `--builder-from-repository: ${path}`, terminal), path);
}

async function readDockerfile(
  file: string,
  { stage, allowRegistry = [], buildArg = [] }: BuilderFlags,
  replacements: readonly Replacement[],
  terminal: Terminal,
): Promise<string> {
  const allowed = allowRegistry.map((text) => within("--allow-registry", () => parseRegistryName(text)));
  const buildArgs = Object.fromEntries(
    buildArg.map((item) => givenVariable(item, "--build-arg", terminal.env)),
  );
  const text = await readText(file, `--builder-from-dockerfile ${file}`, terminal);
  const { builderOfDockerfile } = await import("../frontends/ci-operator/builder-of-dockerfile.ts");
  const name = file === "-" ? "<stdin>" : file;
  return formatLocation(builderOfDockerfile(text, { name, stage, buildArgs, replacements, allowed }));
}

function expectOneBuilder(flags: BuilderFlags): void {
  const [first, second] = builderFlags(flags);
  if (second !== undefined) {
    throw new ComposeImageError("USAGE", `${first} and ${second} both name the builder`, {
      hint: "Give one of them.",
    });
  }
  if (flags.builderFromDockerfile !== undefined) return;
  const [idle] = [
    ...(flags.stage === undefined ? [] : ["--stage"]),
    ...(flags.allowRegistry === undefined ? [] : ["--allow-registry"]),
  ];
  if (idle === undefined) return;
  throw new ComposeImageError("USAGE", `${idle}: there is no Dockerfile that names the builder`, {
    hint: "It goes with --builder-from-dockerfile.",
  });
}

/**
 * Refuses the ways of naming a builder beside a Dockerfile, which names its images itself. About `--builder` its front end
 * says so.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectNoBuilder(flags: BuilderFlags): void {
  expectOneBuilder(flags);
  const [flag] = [
    ...builderFlags({ ...flags, builder: undefined }),
    ...(flags.imagestreamRegistry === undefined ? [] : ["--imagestream-registry"]),
  ];
  if (flag === undefined) return;
  throw new ComposeImageError("USAGE", `${flag} has no meaning with a Dockerfile`, {
    hint: "The file names its images itself; --replace FROM=TO and --build-context NAME=IMAGE change them.",
  });
}

function builderFlags({ builder, builderFromRepository, builderFromDockerfile }: BuilderFlags): string[] {
  return [
    ...(builder === undefined ? [] : ["--builder"]),
    ...(builderFromRepository === undefined ? [] : ["--builder-from-repository"]),
    ...(builderFromDockerfile === undefined ? [] : ["--builder-from-dockerfile"]),
  ];
}
