import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { type ComposeFlags, parseComposeFlags } from "../frontends/flags/compose-flags.ts";
import { abortable } from "../io/abortable.ts";
import { collect } from "../io/collect.ts";
import { errnoOf, localError } from "../io/local-error.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { parseReplacement, replaceReferences } from "../plan/replace-references.ts";
import { parseSourceDateEpoch } from "../plan/source-date-epoch.ts";
import { collectOption } from "./collect-option.ts";
import { type DockerfileFlags, dockerfileOptions, isDockerfile } from "./dockerfile-options.ts";
import { givenVariable } from "./given-variable.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every command that says what to compose. */
export interface PlanFlags extends ComposeFlags, DockerfileFlags {
  readonly file?: string;
  readonly var?: readonly string[];
  readonly set?: readonly string[];
  readonly replace?: readonly string[];
  readonly dockerfile?: string;
}

/** Largest file taken, in bytes. */
const maxFileSize = 1024 * 1024;

/** Files are not merged, as other tools do with several: who gives two would miss one. */
function onlyFile(flag: string): (file: string, previous: string | undefined) => string {
  return (file, previous) => {
    if (previous === undefined) return file;
    throw new ComposeImageError("USAGE", `${flag} is given twice: ${previous} and ${file}`, {
      hint:
        flag === "--file"
          ? "Put both into one file, as two documents; or change one with --set."
          : "An image is made by one Dockerfile.",
    });
  };
}

/** Adds the flags that say what to compose. */
export function addPlanOptions(command: Command): Command {
  return command
    .optionsGroup("What to compose:")
    .option(
      "-f, --file <file>",
      "compose.yaml, Dockerfile, or Build of Shipwright, that says all this; - is standard input. Flags override it",
      onlyFile("--file"),
    )
    .option(
      "--set <key=value>",
      "change the file: a path such as env.MODE or copy.0.dst; repeatable",
      collectOption,
    )
    .option(
      "--var <name[=value]>",
      "value for ${NAME} in the file; without =VALUE the environment's; repeatable",
      collectOption,
    )
    .option(
      "--replace <from=to>",
      "host, path or name to replace in references, as docker.io/library=registry.example/hub; repeatable",
      collectOption,
    )
    .option(
      "--dockerfile <file>",
      "Dockerfile that says all this; - is standard input",
      onlyFile("--dockerfile"),
    )
    .option("--context <dir>", "directory that its COPY takes files from (default: the current one)")
    .option("--target <stage>", "its stage to make (default: the last)")
    .option(
      "--build-arg <name[=value]>",
      "value for one of its ARGs; without =VALUE the environment's; repeatable",
      collectOption,
    )
    .option(
      "--build-context <name=image>",
      "image to take in the place of one of its stages or images; repeatable",
      collectOption,
    )
    .option(
      "--builder <image>",
      "image the directories are taken from: a registry reference or oci:DIR[:TAG]; or local:DIR",
    )
    .option("--base <image>", "image to build on, or scratch")
    .option(
      "--directory <src[:dst]>",
      "directory or file to take, and where it goes; repeatable",
      collectOption,
    )
    .option("--tag <image>", "where the image is pushed to; repeatable", collectOption)
    .option(
      "--platform <os/arch>",
      "platform of base and result (default: the only one, else this machine's)",
    )
    .option("--builder-platform <os/arch>", "platform of the builder, where it differs")
    .optionsGroup("How to copy:")
    .option("--chown <user[:group]>", "owner of what is copied; names as in the base's /etc/passwd")
    .option("--chmod <mode>", "octal mode of what is copied")
    .option(
      "--exclude <pattern>",
      "leave out, as in .dockerignore, relative to the source; repeatable",
      collectOption,
    )
    .option(
      "--link",
      "do not look at the base, as COPY --link: its directories' owners and symlinks are not kept",
    )
    .optionsGroup("What the image says:")
    .option("--env <key=value>", "environment variable; repeatable", collectOption)
    .option("--label <key=value>", "label; repeatable", collectOption)
    .option("--annotation <key=value>", "annotation of the manifest; repeatable", collectOption)
    .option("--workdir <path>", "working directory; made where it is missing")
    .option("--user <user[:group]>", "user the container runs as")
    .option(
      "--entrypoint <json>",
      `entrypoint, as '["node","server.js"]' or one word; clears the base's command`,
    )
    .option("--cmd <json>", "command, written as the entrypoint is")
    .option("--expose <port[/proto]>", "port the container listens on; repeatable", collectOption)
    .option("--history-comment <text>", "comment of the new layer's history entry")
    .option(
      "--record <where>",
      "keep a record of what the image was made from: annotations or none (default: annotations)",
    )
    .option("--format <family>", "oci or docker (default: the base's)")
    .option(
      "--source-date-epoch <seconds>",
      "latest time of files, and the image's time (default: SOURCE_DATE_EPOCH)",
    )
    .option("--compression <algorithm>", "of the new layer: gzip[:0-9] or none (default: gzip:6)");
}

/**
 * The plans that flags and file make.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` for what they say; `LOCAL_IO` where the
 *   file cannot be read.
 */
export async function readPlans(flags: PlanFlags, terminal: Terminal): Promise<ComposePlan[]> {
  const { file, dockerfile, set, var: variables = [], replace = [] } = flags;
  const epoch = terminal.env.SOURCE_DATE_EPOCH || undefined;
  const path = dockerfile ?? file;
  if (path === undefined) {
    expectNone(flags, [...yamlFlags, ...dockerfileFlags], "there is no file that it could be for");
    const replacements = replace.map(parseReplacement);
    const plan = parseComposeFlags({ ...flags, sourceDateEpoch: flags.sourceDateEpoch ?? epoch });
    return [replaceReferences(plan, replacements)];
  }
  if (dockerfile !== undefined && file !== undefined) {
    throw new ComposeImageError("USAGE", `there is --file ${file} and --dockerfile ${dockerfile}`, {
      hint: "Name one of them.",
    });
  }
  const name = path === "-" ? "<stdin>" : path;
  const common = {
    name,
    flags,
    replace,
    sourceDateEpoch: epoch === undefined ? undefined : parseSourceDateEpoch(epoch, "SOURCE_DATE_EPOCH: "),
  };
  const text = await readText(path, dockerfile === undefined ? "--file" : "--dockerfile", terminal);
  if (dockerfile !== undefined || isDockerfile(name, text)) {
    expectNone(flags, yamlFlags, `${name} is a Dockerfile, which has nothing it could be for`);
    const options = dockerfileOptions(flags, path, terminal.env);
    const { planDockerfile } = await import("../frontends/dockerfile/plan-dockerfile.ts");
    return [planDockerfile(text, { ...common, ...options })];
  }
  expectNone(flags, dockerfileFlags, `${name} is no Dockerfile`);
  const given = Object.fromEntries(variables.map((item) => givenVariable(item, "--var", terminal.env)));
  // Loaded only now: YAML takes time that a command without a file need not spend.
  const { parseComposeFile } = await import("../frontends/plans.ts");
  return parseComposeFile(text, { ...common, variables: given, set });
}

const yamlFlags = ["set", "var"] as const;
const dockerfileFlags = ["context", "target", "buildArg", "buildContext"] as const;

/** Refuses flags that are for a file of another kind; their values may be secrets, and are not shown. */
function expectNone(
  flags: PlanFlags,
  names: readonly (typeof yamlFlags | typeof dockerfileFlags)[number][],
  why: string,
): void {
  for (const name of names) {
    const value = flags[name];
    if (value === undefined) continue;
    const flag = `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`;
    const first = typeof value === "string" ? value : (value[0] ?? "");
    throw new ComposeImageError("USAGE", `${flag} ${first.replace(/=.*/s, "")}: ${why}`, {
      hint: (yamlFlags as readonly string[]).includes(name)
        ? "Name the file: --file compose.yaml."
        : "Name the Dockerfile: --dockerfile Dockerfile.",
    });
  }
}

async function readText(file: string, flag: string, terminal: Terminal): Promise<string> {
  const { signal } = terminal;
  try {
    if (file === "-") return await terminal.readInput(maxFileSize);
    const content = await abortable(collect(createReadStream(file), maxFileSize, file), { signal });
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "LIMIT_EXCEEDED") {
      throw new ComposeImageError("USAGE", `${flag} ${file} is larger than ${maxFileSize} bytes`, {
        hint: "It says what to compose, and is a few lines.",
      });
    }
    if (errnoOf(error) === "ERR_ENCODING_INVALID_ENCODED_DATA") {
      throw new ComposeImageError("USAGE", `${flag} ${file} is not UTF-8`, { hint: "Save it as UTF-8." });
    }
    if (errnoOf(error) === "ENOENT") {
      throw new ComposeImageError("USAGE", `${flag} ${file} is not there`, {
        hint: "Check the path; it is meant from the current directory.",
      });
    }
    if (signal.aborted) throw signal.reason;
    throw localError(error, `cannot read ${file}`);
  }
}
