import { parseComposeFlags } from "../frontends/flags/compose-flags.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { parseReplacement, type Replacement, replaceReferences } from "../plan/replace-references.ts";
import { parseSourceDateEpoch } from "../plan/source-date-epoch.ts";
import { expectNoBuilder, imageOfBuilder, readBuilder } from "./builder-options.ts";
import { dockerfileOptions, isDockerfile } from "./dockerfile-options.ts";
import { givenVariable } from "./given-variable.ts";
import type { PlanFlags } from "./plan-options.ts";
import { readText } from "./read-text.ts";
import { expectNoSourceImages, sourceImageContext } from "./source-image-options.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The plans that flags and file make.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` for what they say; `LOCAL_IO` where the
 *   file cannot be read.
 */
export async function readPlans(flags: PlanFlags, terminal: Terminal): Promise<ComposePlan[]> {
  const { file, dockerfile, replace = [] } = flags;
  const replacements = replace.map(parseReplacement);
  const path = dockerfile ?? file;
  if (path === undefined) return [await planOfFlags(flags, replacements, terminal)];
  if (dockerfile !== undefined && file !== undefined) {
    throw new ComposeImageError("USAGE", `there is --file ${file} and --dockerfile ${dockerfile}`, {
      hint: "Name one of them.",
    });
  }
  if (dockerfile !== undefined) expectPath(dockerfile);
  if (path === "-" && flags.builderFromDockerfile === "-") {
    throw new ComposeImageError(
      "USAGE",
      "--file and --builder-from-dockerfile are both to be standard input",
      {
        hint: "Name a file for one of them.",
      },
    );
  }
  const name = nameOf(path);
  const text = await readText(
    path,
    `${dockerfile === undefined ? "--file" : "--dockerfile"} ${path}`,
    terminal,
  );
  if (dockerfile !== undefined || isDockerfile(name, text)) {
    return [await planOfDockerfile(text, path, flags, terminal)];
  }
  return plansOfDocuments(text, name, flags, replacements, terminal);
}

async function planOfFlags(
  flags: PlanFlags,
  replacements: readonly Replacement[],
  terminal: Terminal,
): Promise<ComposePlan> {
  const why = "there is no file that it could be for";
  expectNone(flags, yamlFlags, why);
  expectNone(flags, dockerfileFlags, why);
  if (flags.builderFromDockerfile === undefined) expectNone(flags, ["buildArg"], why);
  expectNoSourceImages(flags, why);
  const builder = imageOfBuilder(await readBuilder(flags, replacements, terminal), flags);
  const { sourceDateEpoch = terminal.env.SOURCE_DATE_EPOCH || undefined } = flags;
  return replaceReferences(parseComposeFlags({ ...flags, builder, sourceDateEpoch }), replacements);
}

async function planOfDockerfile(
  text: string,
  path: string,
  flags: PlanFlags,
  terminal: Terminal,
): Promise<ComposePlan> {
  const name = nameOf(path);
  expectNone(flags, yamlFlags, `${name} is a Dockerfile, which has nothing it could be for`);
  expectNoBuilder(flags);
  const options = dockerfileOptions(flags, path, terminal.env);
  const context = sourceImageContext(flags) ?? options.context;
  const { replace } = flags;
  // Loaded only now: a command without a file need not spend the time.
  const { planDockerfile } = await import("../frontends/dockerfile/plan-dockerfile.ts");
  return planDockerfile(text, {
    ...options,
    name,
    flags,
    replace,
    sourceDateEpoch: epochOf(terminal),
    context,
  });
}

async function plansOfDocuments(
  text: string,
  name: string,
  flags: PlanFlags,
  replacements: readonly Replacement[],
  terminal: Terminal,
): Promise<ComposePlan[]> {
  const why = `${name} is no Dockerfile`;
  expectNone(flags, dockerfileFlags, why);
  expectNoSourceImages(flags, why);
  const { env } = terminal;
  const { set, replace, var: variables = [], buildArg = [], imagestreamRegistry } = flags;
  const given = Object.fromEntries(variables.map((item) => givenVariable(item, "--var", env)));
  const { builder, buildRoot } = await readBuilder(flags, replacements, terminal);
  const buildArgs = flags.builderFromDockerfile === undefined ? buildArg : [];
  // Loaded only now: YAML takes time that a command without a file need not spend.
  const { parseComposeFile } = await import("../frontends/plans.ts");
  return parseComposeFile(text, {
    name,
    variables: given,
    set,
    flags: { ...flags, builder },
    buildRoot,
    imagestreamRegistry,
    buildArgs: Object.fromEntries(buildArgs.map((item) => givenVariable(item, "--build-arg", env))),
    replace,
    sourceDateEpoch: epochOf(terminal),
  });
}

function nameOf(path: string): string {
  return path === "-" ? "<stdin>" : path;
}

/** What `SOURCE_DATE_EPOCH` says. */
export function epochOf({ env: { SOURCE_DATE_EPOCH: epoch } }: Terminal): number | undefined {
  return epoch ? parseSourceDateEpoch(epoch, "SOURCE_DATE_EPOCH: ") : undefined;
}

/** `oc` takes the Dockerfile itself there. */
function expectPath(dockerfile: string): void {
  if (!/\n|^\s*FROM\s/i.test(dockerfile)) return;
  throw new ComposeImageError("USAGE", "--dockerfile takes a file, and was given the Dockerfile itself", {
    hint: "Give it on standard input: --dockerfile -.",
  });
}

const yamlFlags = ["set", "var"] as const;
const dockerfileFlags = ["context", "target", "buildContext"] as const;

/** Refuses flags that are for a file of another kind; their values may be secrets, and are not shown. */
function expectNone(
  flags: PlanFlags,
  names: readonly ("set" | "var" | "context" | "target" | "buildArg" | "buildContext")[],
  why: string,
): void {
  for (const name of names) {
    const value = flags[name];
    if (value === undefined) continue;
    const flag = `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`;
    const first = typeof value === "string" ? value : (value[0] ?? "");
    throw new ComposeImageError("USAGE", `${flag} ${first.replace(/=.*/s, "")}: ${why}`, {
      hint:
        name === "set" || name === "var"
          ? "Name the file: --file compose.yaml."
          : "Name the Dockerfile: --dockerfile Dockerfile.",
    });
  }
}
