import type { Command } from "commander";
import { collectOption } from "./collect-option.ts";

/** What the descriptions of the options depend on. */
export interface ConfigOptionWords {
  /** What becomes of a working directory that is not there. */
  readonly workdir: string;
  /** Whose command an entrypoint clears. */
  readonly owner: string;
}

/** Adds the options that set parts of an image's configuration, and its annotations. */
export function addConfigOptions(command: Command, { workdir, owner }: ConfigOptionWords): Command {
  return command
    .option("--env <key=value>", "environment variable; repeatable", collectOption)
    .option("--label <key=value>", "label; repeatable", collectOption)
    .option("--annotation <key=value>", "annotation of the manifest; repeatable", collectOption)
    .option("--workdir <path>", `working directory; ${workdir}`)
    .option("--user <user[:group]>", "user the container runs as")
    .option(
      "--entrypoint <json>",
      `entrypoint, as '["node","server.js"]' or one word; clears ${owner} command`,
    )
    .option("--cmd <json>", "command, written as the entrypoint is")
    .option("--expose <port[/proto]>", "port the container listens on; repeatable", collectOption);
}
