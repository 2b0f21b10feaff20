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
import { addConfigOptions } from "./config-options.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every command that says what to compose. */
export interface PlanFlags extends ComposeFlags {
  readonly file?: string;
  readonly var?: readonly string[];
  readonly set?: readonly string[];
  readonly replace?: readonly string[];
}

/** Largest file taken, in bytes. */
const maxFileSize = 1024 * 1024;

/** Files are not merged, as other tools do with several: who gives two would miss one. */
function onlyFile(file: string, previous: string | undefined): string {
  if (previous === undefined) return file;
  throw new ComposeImageError("USAGE", `--file is given twice: ${previous} and ${file}`, {
    hint: "Put both into one file, as two documents; or change one with --set.",
  });
}

/** Adds the flags that say what to compose. */
export function addPlanOptions(command: Command): Command {
  command
    .optionsGroup("What to compose:")
    .option(
      "-f, --file <file>",
      "compose.yaml, or a Build of Shipwright, that says all this; - is standard input. Flags override it",
      onlyFile,
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
      "--builder <image>",
      "image the directories are taken from: a registry reference, oci:DIR, oci-archive:FILE, docker-archive:FILE; or local:DIR",
    )
    .option("--base <image>", "image to build on, or scratch")
    .option(
      "--directory <src[:dst]>",
      "directory or file to take, and where it goes; repeatable",
      collectOption,
    )
    .option(
      "--tag <image>",
      "where the image goes; of archives - is standard output; repeatable",
      collectOption,
    )
    .option(
      "--platform <os/arch>",
      "platform of base and result (default: the only one, else this machine's); several, or all that base and builder have, make an index; repeatable",
      collectOption,
    )
    .option(
      "--append-platforms",
      "make the tag an index that keeps the images for other platforms it names already",
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
    .optionsGroup("What the image says:");
  return addConfigOptions(command, { workdir: "made where it is missing", owner: "the base's" })
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
    .option(
      "--compression <algorithm>",
      "of the new layer: gzip[:0-9], zstd[:1-19] or none (default: gzip:6)",
    );
}

/**
 * The plans that flags and file make.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` for what they say; `LOCAL_IO` where the
 *   file cannot be read.
 */
export async function readPlans(flags: PlanFlags, terminal: Terminal): Promise<ComposePlan[]> {
  const { file, set, var: variables = [], replace = [] } = flags;
  const epoch = terminal.env.SOURCE_DATE_EPOCH || undefined;
  if (file === undefined) {
    for (const [flag, value] of [
      ["--set", set?.[0]],
      ["--var", variables[0]],
    ]) {
      if (value === undefined) continue;
      throw new ComposeImageError(
        "USAGE",
        `${flag} ${value.replace(/=.*/s, "")}: there is no file that it could be for`,
        {
          hint: "Name the file: --file compose.yaml.",
        },
      );
    }
    const replacements = replace.map(parseReplacement);
    const plan = parseComposeFlags({ ...flags, sourceDateEpoch: flags.sourceDateEpoch ?? epoch });
    return [replaceReferences(plan, replacements)];
  }
  const options = {
    name: file === "-" ? "<stdin>" : file,
    variables: Object.fromEntries(variables.map((item) => variableOf(item, terminal.env))),
    set,
    flags,
    replace,
    sourceDateEpoch: epoch === undefined ? undefined : parseSourceDateEpoch(epoch, "SOURCE_DATE_EPOCH: "),
  };
  const text = await readText(file, terminal);
  // Loaded only now: YAML takes time that a command without a file need not spend.
  const { parseComposeFile } = await import("../frontends/plans.ts");
  return parseComposeFile(text, options);
}

function variableOf(item: string, env: Terminal["env"]): [name: string, value: string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(item) ?? [];
  if (name === undefined) {
    throw new ComposeImageError("USAGE", `--var ${item.replace(/=.*/s, "")} is not a variable's name`, {
      hint: "A name has letters, digits and _, and begins with no digit.",
    });
  }
  const given = value ?? env[name];
  if (given !== undefined) return [name, given];
  throw new ComposeImageError("USAGE", `--var ${name}: the environment has no ${name}`, {
    hint: `Set it, or write --var ${name}=VALUE.`,
  });
}

async function readText(file: string, terminal: Terminal): Promise<string> {
  const { signal } = terminal;
  try {
    if (file === "-") return await terminal.readInput(maxFileSize);
    const content = await abortable(collect(createReadStream(file), maxFileSize, file), { signal });
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "LIMIT_EXCEEDED") {
      throw new ComposeImageError("USAGE", `--file ${file} is larger than ${maxFileSize} bytes`, {
        hint: "It says what to compose, and is a few lines of YAML.",
      });
    }
    if (errnoOf(error) === "ERR_ENCODING_INVALID_ENCODED_DATA") {
      throw new ComposeImageError("USAGE", `--file ${file} is not UTF-8`, { hint: "Save it as UTF-8." });
    }
    if (errnoOf(error) === "ENOENT") {
      throw new ComposeImageError("USAGE", `--file ${file} is not there`, {
        hint: "Check the path; it is meant from the current directory.",
      });
    }
    if (signal.aborted) throw signal.reason;
    throw localError(error, `cannot read ${file}`);
  }
}
