import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation } from "../model/location.ts";
import { followImageStream, type ImageStreamName, parseImageStreamRegistry } from "../plan/image-streams.ts";
import { readText } from "./read-text.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that name the builder, each in a way of its own. */
export interface BuilderFlags {
  readonly builder?: string | undefined;
  readonly builderFromRepository?: string;
  readonly imagestreamRegistry?: string;
}

/** Adds the flags that name the builder. */
export function addBuilderOptions(command: Command): Command {
  return command
    .option(
      "--builder <image>",
      "image the directories are taken from; a registry reference or oci:DIR[:TAG]",
    )
    .option(
      "--builder-from-repository <dir>",
      "take the builder that the .ci-operator.yaml in this directory names",
    )
    .option(
      "--imagestream-registry <host[/path]>",
      "registry that OpenShift's image streams are pulled from, as HOST/NAMESPACE/NAME:TAG",
    );
}

/**
 * The image stream that a repository names as builder, where a flag asks for it.
 *
 * @throws ComposeImageError `USAGE`, for two flags that name a builder as well; `LOCAL_IO`.
 */
export async function readBuildRootOf(
  flags: BuilderFlags,
  terminal: Terminal,
): Promise<ImageStreamName | undefined> {
  expectOneBuilder(flags);
  const { builderFromRepository: directory } = flags;
  if (directory === undefined) return undefined;
  if (directory === "") {
    throw new ComposeImageError("USAGE", "--builder-from-repository is missing", {
      hint: "Name the directory that has the repository, for example . for the current one.",
    });
  }
  const { buildRootFile, readBuildRoot } = await import("../frontends/ci-operator/build-root.ts");
  const path = join(resolve(directory), buildRootFile);
  return readBuildRoot(await readText(path, `--builder-from-repository: ${path}`, terminal), path);
}

/**
 * The builder as `--builder` names it, where there is no file to say what image streams are.
 *
 * @throws ComposeImageError `USAGE`, also for a registry of image streams that nothing asks for.
 */
export function builderOf(
  { builder, imagestreamRegistry }: BuilderFlags,
  buildRoot: ImageStreamName | undefined,
): string | undefined {
  const flag = "--imagestream-registry";
  const registry =
    imagestreamRegistry === undefined ? undefined : parseImageStreamRegistry(imagestreamRegistry, flag);
  if (buildRoot !== undefined) return formatLocation(followImageStream(buildRoot, { registry }));
  if (registry === undefined) return builder;
  throw new ComposeImageError("USAGE", `${flag}: there is no image stream that it could be for`, {
    hint: "It goes with --builder-from-repository.",
  });
}

function expectOneBuilder({ builder, builderFromRepository }: BuilderFlags): void {
  const given = [
    ...(builder === undefined ? [] : ["--builder"]),
    ...(builderFromRepository === undefined ? [] : ["--builder-from-repository"]),
  ];
  const [first, second] = given;
  if (second === undefined) return;
  throw new ComposeImageError("USAGE", `${first} and ${second} both name the builder`, {
    hint: "Give one of them.",
  });
}
