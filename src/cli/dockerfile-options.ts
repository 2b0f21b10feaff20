import { join } from "node:path";
import { type BuildContext, parseBuildContext } from "../frontends/dockerfile/build-contexts.ts";
import type { DockerfileOptions } from "../frontends/dockerfile/dockerfile.ts";
import { givenVariable } from "./given-variable.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that go with a Dockerfile. */
export interface DockerfileFlags {
  readonly context?: string;
  readonly target?: string;
  readonly buildArg?: readonly string[];
  readonly buildContext?: readonly string[];
}

/** Whether a file is a Dockerfile, by its name, else by what it begins with. */
export function isDockerfile(name: string, text: string): boolean {
  if (/\.(?:ya?ml|json)$/i.test(name)) return false;
  if (/(?:^|[/\\.])(?:Dockerfile|Containerfile)(?:[._-][^/\\]*)?$/i.test(name)) return true;
  const first = text.split("\n").find((line) => !/^\s*(?:#.*)?$/.test(line.replace(/^\uFEFF/, "")));
  return /^\s*(?:FROM|ARG)\s+[^:\s]\S*/i.test(first ?? "");
}

/**
 * What the flags say of a Dockerfile. What its context leaves out is said by the file of the Dockerfile's name with
 * `.dockerignore` behind it, else by the context's own `.dockerignore`.
 *
 * @param path the Dockerfile's; `-` is standard input.
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID` naming the flag.
 */
export function dockerfileOptions(
  { context = ".", target, buildArg = [], buildContext = [] }: DockerfileFlags,
  path: string,
  env: Terminal["env"],
): DockerfileOptions {
  const ignoreFiles = [`${path}.dockerignore`, join(context, ".dockerignore")];
  return {
    context: { kind: "local", directory: context, ...(path !== "-" && { ignoreFiles }) },
    target,
    buildArgs: Object.fromEntries(buildArg.map((item) => givenVariable(item, "--build-arg", env))),
    buildContexts: buildContext.map((item): BuildContext => parseBuildContext(item)),
  };
}
