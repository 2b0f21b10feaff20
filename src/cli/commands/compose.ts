import { access, constants, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { type Command, Option } from "commander";
import { type ComposeFlags, parseComposeFlags } from "../../frontends/flags/compose-flags.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { visibleJson } from "../../model/visible-text.ts";
import type { ComposeOptions } from "../../ops/compose.ts";
import { type CacheFlags, cacheDirectory } from "../cache-directory.ts";
import { collectOption } from "../collect-option.ts";
import { composeDocument, metadataDocument } from "../compose-documents.ts";
import { describeForecast, summarize } from "../compose-summary.ts";
import { withMovedTags } from "../moved-tags.ts";
import { startProgress } from "../progress/start-progress.ts";
import { parseCount, parseMemory } from "../quantities.ts";
import {
  addOutputOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface CommandFlags extends ComposeFlags, RegistryFlags, OutputFlags, CacheFlags {
  readonly dryRun?: boolean | string;
  readonly jobs?: string;
  readonly memoryLimit?: string;
  readonly digestFile?: string;
  readonly metadataFile?: string;
}

const example = `
Example:
  compose-image --builder registry.example/app-builder:sha-1a2b --base registry.example/node-runtime:24 \\
    --directory /opt/app-root/src:/run/app --workdir /run/app --entrypoint '["node","server.js"]' \\
    --tag registry.example/app:1.2.3

Standard output gets one line for each repository the image was pushed to: repository@sha256:…
With --dry-run=full it gets the digest alone.`;

/** Adds `compose`, which is also what runs without a command's name. */
export function addComposeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("compose", { isDefault: true })
    .summary("take directories out of a builder image, put them on a base image, push the result")
    .description(
      "Takes directories out of a builder image and puts them, as one new layer, on a base image.\nNothing is unpacked, no daemon and no privileges are needed.",
    )
    .optionsGroup("What to compose:")
    .option(
      "--builder <image>",
      "image the directories are taken from; a registry reference or oci:DIR[:TAG]",
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
    .addOption(
      new Option(
        "--record <where>",
        "keep a record of what the image was made from: annotations or none",
      ).default("annotations"),
    )
    .option("--format <family>", "oci or docker (default: the base's)")
    .option(
      "--source-date-epoch <seconds>",
      "latest time of files, and the image's time (default: SOURCE_DATE_EPOCH)",
    )
    .addOption(
      new Option("--compression <algorithm>", "of the new layer: gzip[:0-9] or none").default("gzip:6"),
    )
    .optionsGroup("How to run:")
    .option(
      "--dry-run [full]",
      "push nothing: say what would be moved, or with =full make the layer and say its digest",
    )
    .addOption(new Option("--jobs <n>", "layers read, and blobs pushed, at once").default("4"))
    .addOption(
      new Option("--memory-limit <size>", "most staged content in memory; the rest goes to TMPDIR").default(
        "64M",
      ),
    )
    .option(
      "--cache-dir <dir>",
      "where what base layers hold is kept (default: compose-image in XDG_CACHE_HOME or ~/.cache)",
    )
    .option("--no-cache", "read the base's layers each time, and keep nothing");
  addRegistryOptions(command);
  addOutputOptions(command)
    .option("--digest-file <file>", "write the image's digest there")
    .option("--metadata-file <file>", "write digests and names there, under BuildKit's keys")
    .addHelpText("after", example)
    .action((flags: CommandFlags) => runCompose(flags, terminal));
}

async function runCompose(flags: CommandFlags, terminal: Terminal): Promise<void> {
  const { env } = terminal;
  const sourceDateEpoch = flags.sourceDateEpoch ?? (env.SOURCE_DATE_EPOCH || undefined);
  const plan = parseComposeFlags({ ...flags, sourceDateEpoch });
  const dryRun = parseDryRun(flags.dryRun);
  const movedTags: string[] = [];
  const options: ComposeOptions = {
    ...registryOptions(flags, terminal),
    dryRun,
    jobs: parseCount(flags.jobs ?? "4", "--jobs", 1),
    memoryLimit: parseMemory(flags.memoryLimit ?? "64M", "--memory-limit"),
    temporaryDirectory: tmpdir(),
    cacheDirectory: cacheDirectory(flags, env),
    signal: terminal.signal,
    onTransfer: (event) => {
      if (event.kind === "tagged") movedTags.push(`${event.store}:${event.tag}`);
      progress.listener(event);
    },
  };
  for (const path of [flags.digestFile, flags.metadataFile]) {
    if (path !== undefined) await expectWritable(path);
  }
  const progress = startProgress(terminal, flags);
  if (options.cacheDirectory === undefined && flags.cache !== false) {
    const message = "not keeping what the base holds: neither XDG_CACHE_HOME nor HOME names a directory";
    progress.listener({ kind: "note", store: "cache", message });
  }
  // Loaded only now, so that help and wrong usage are answered at once.
  const { compose } = await import("../../ops/compose.ts");
  const result = await compose(plan, options)
    .catch((error: unknown) => {
      throw withMovedTags(error, movedTags);
    })
    .finally(() => progress.stop());
  const { image } = result;
  if (image !== undefined && flags.digestFile !== undefined) {
    await writeOutput(flags.digestFile, `${image.descriptor.digest}\n`);
  }
  if (image !== undefined && flags.metadataFile !== undefined) {
    await writeOutput(
      flags.metadataFile,
      `${JSON.stringify(metadataDocument(result, image), undefined, 2)}\n`,
    );
  }
  if (!flags.quiet) {
    terminal.writeError(
      result.forecast === undefined ? summarize(result) : describeForecast(result.forecast),
    );
  }
  if (flags.json) terminal.write(`${visibleJson(composeDocument(result))}\n`);
  else if (dryRun === "full" && image !== undefined) terminal.write(`${image.descriptor.digest}\n`);
  else for (const { name, digest } of result.pushed) terminal.write(`${name}@${digest}\n`);
}

function parseDryRun(value: boolean | string | undefined): false | "plan" | "full" {
  if (value === undefined || value === false) return false;
  if (value === true) return "plan";
  if (value === "full") return "full";
  throw new ComposeImageError("USAGE", `--dry-run=${value} is not known`, {
    hint: "Use --dry-run or --dry-run=full.",
  });
}

/** Finds out before anything is pushed; makes no file. */
async function expectWritable(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      return access(dirname(resolve(path)), constants.W_OK);
    });
  } catch (cause) {
    throw localError(cause, `cannot write ${path}`, { hint: "Nothing was pushed; name another file." });
  }
}

async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw localError(cause, `cannot write ${path}`, { hint: "The image itself was pushed." });
  }
}
