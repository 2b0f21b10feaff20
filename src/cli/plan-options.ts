import type { Command } from "commander";
import type { ComposeFlags } from "../frontends/flags/compose-flags.ts";
import { ComposeImageError } from "../model/errors.ts";
import { addBuilderOptions, type BuilderFlags, builderOption } from "./builder-options.ts";
import { collectOption } from "./collect-option.ts";
import { addConfigOptions } from "./config-options.ts";
import type { DockerfileFlags } from "./dockerfile-options.ts";
import { addSourceImageOptions, type SourceImageFlags } from "./source-image-options.ts";

/** Flags of every command that says what to compose. */
export interface PlanFlags extends ComposeFlags, BuilderFlags, DockerfileFlags, SourceImageFlags {
  readonly file?: string;
  readonly var?: readonly string[];
  readonly set?: readonly string[];
  readonly replace?: readonly string[];
  readonly dockerfile?: string;
}

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

const replaceOption = [
  "--replace <from=to>",
  "host, path or name to replace in references, as docker.io/library=registry.example/hub; repeatable",
  collectOption,
] as const;

/** Adds the flags that say what to compose. */
export function addPlanOptions(command: Command): Command {
  command
    .optionsGroup("What to compose:")
    .option(
      "-f, --file <file>",
      "compose.yaml, Dockerfile, Build of Shipwright or BuildConfig of OpenShift, that says all this; - is standard input. Flags override it",
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
    .option(...replaceOption)
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
    );
  return addDraftOptions(addBuilderOptions(addSourceImageOptions(command)));
}

/** Adds those of them that go with what an image has on record. */
export function addChangeOptions(command: Command): Command {
  command
    .optionsGroup("What to compose:")
    .option(...replaceOption)
    .option(...builderOption);
  return addDraftOptions(command);
}

function addDraftOptions(command: Command): Command {
  command
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
