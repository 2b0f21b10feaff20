import { type Command, Option } from "commander";
import { collectOption } from "../collect-option.ts";
import {
  addOutputOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
} from "../shared-options.ts";

/** Flags of what copies images. */
export interface RunFlags extends RegistryFlags, OutputFlags {
  readonly dryRun?: boolean;
  readonly jobs: string;
}

/** Flags of what is done with a mirror.yaml. */
export interface MirrorFlags extends RunFlags {
  readonly file: string;
  readonly var?: readonly string[];
  /** A file, or `false` for `--no-lock`. */
  readonly lock?: string | false;
  readonly locked?: boolean;
  readonly shard?: string;
  readonly have?: string;
  readonly exitCode?: boolean;
  readonly split?: string;
  readonly keepParts?: string;
}

/** Adds the flags that name the mirror.yaml. */
export function addFileOptions(command: Command): Command {
  return command
    .optionsGroup("What to mirror:")
    .addOption(new Option("-f, --file <file>", "the mirror.yaml; - is standard input").makeOptionMandatory())
    .option(
      "--var <name[=value]>",
      "value for ${NAME} in the file; without =VALUE the environment's; repeatable",
      collectOption,
    );
}

/** Adds the flags that say what is mirrored to where it is written. */
export function addMirrorOptions(command: Command): Command {
  addFileOptions(command);
  addLockOptions(command, "copy the digests that the lock file has, whatever the tags name now");
  return addShardOption(command.option("--no-lock", "write no lock file"));
}

/** Adds the flags that name the lock file, and have it read. */
export function addLockOptions(command: Command, locked: string): Command {
  return command
    .option("--locked", locked)
    .option("--lock <file>", "lock file (default: FILE with .lock.json)");
}

/** Adds the flag for a part of the images. */
export function addShardOption(command: Command): Command {
  return command.option(
    "--shard <i/n>",
    "of all images the i-th of n shares, 3/8; auto/8 takes i from JOB_COMPLETION_INDEX, which counts from 0",
  );
}

/** Adds the flag for what need not be written. */
export function addHaveOption(command: Command): Command {
  return command.option(
    "--have <file>",
    "inventory of the receiver, from mirror inventory: what it has is left out",
  );
}

/** Adds the flags that say how it is copied, after those of the command's own. */
export function addRunOptions(command: Command): Command {
  command
    .optionsGroup("How to run:")
    .addOption(new Option("--jobs <n>", "images, and blobs and manifests, under way at once").default("4"));
  addRegistryOptions(command);
  return addOutputOptions(command);
}
