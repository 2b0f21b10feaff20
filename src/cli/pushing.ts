import { type Command, Option } from "commander";
import type { TransferListener } from "../io/transfer.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import { type Platform, parsePlatform } from "../model/platform.ts";
import { visibleJson } from "../model/visible-text.ts";
import type { PushedImage } from "../ops/compose.ts";
import { parseTarget } from "../plan/images.ts";
import { parseSourceDateEpoch } from "../plan/source-date-epoch.ts";
import type { StoresOptions } from "../store/open-stores.ts";
import { collectOption } from "./collect-option.ts";
import { withMovedTags } from "./moved-tags.ts";
import { archivesOnOutput, expectOutputFree } from "./output-archive.ts";
import { startProgress } from "./progress/start-progress.ts";
import { parseCount } from "./quantities.ts";
import { type OutputFlags, type RegistryFlags, registryOptions } from "./shared-options.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of commands that make another image of an existing one. */
export interface PushingFlags extends RegistryFlags, OutputFlags {
  readonly tag?: readonly string[];
  readonly platform?: readonly string[];
  readonly sourceDateEpoch?: string;
  readonly dryRun?: boolean;
  readonly jobs?: string;
}

/** What the flags come to. */
export interface PushingOptions extends StoresOptions {
  readonly platforms: readonly Platform[];
  readonly sourceDateEpoch: number | undefined;
  readonly dryRun: boolean;
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly onTransfer: TransferListener;
}

/** Adds the options that say where the image goes, and which of its platforms are meant. */
export function addTargetOptions(command: Command): Command {
  return command
    .option(
      "--tag <image>",
      "where the image goes; of archives - is standard output; repeatable",
      collectOption,
    )
    .option(
      "--platform <os/arch>",
      "change this platform alone, the others of the index stay; repeatable",
      collectOption,
    );
}

/** Adds the options about how it is done. */
export function addPushingOptions(command: Command): Command {
  return command
    .optionsGroup("How to run:")
    .option("--dry-run", "push nothing: say what would be changed")
    .option("--source-date-epoch <seconds>", "the image's time (default: SOURCE_DATE_EPOCH)")
    .addOption(new Option("--jobs <n>", "blobs pushed at once").default("4"));
}

/**
 * Does the work of such a command: transfers are told, and a failure says which tags have moved.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` for what the flags say; what the work throws.
 */
export async function pushing<T>(
  flags: PushingFlags,
  terminal: Terminal,
  work: (targets: readonly ImageLocation[], options: PushingOptions) => Promise<T>,
): Promise<T> {
  const { platform = [], sourceDateEpoch, jobs = "4", dryRun = false } = flags;
  const epoch = sourceDateEpoch ?? (terminal.env.SOURCE_DATE_EPOCH || undefined);
  const targets = targetsOf(flags);
  if (targets.length === 0 && !dryRun) {
    throw new ComposeImageError("USAGE", "nowhere to push to: no --tag given", {
      hint: "Name the image to make, for example --tag registry.example/app:1.2.4.",
    });
  }
  if (!dryRun) expectOutputFree(archivesOnOutput([{ targets }]), flags, terminal);
  const movedTags: string[] = [];
  const options: PushingOptions = {
    ...registryOptions(flags, terminal),
    platforms: platform.map(parsePlatform),
    sourceDateEpoch:
      epoch === undefined
        ? undefined
        : parseSourceDateEpoch(epoch, sourceDateEpoch === undefined ? "SOURCE_DATE_EPOCH: " : ""),
    dryRun,
    jobs: parseCount(jobs, "--jobs", 1),
    signal: terminal.signal,
    writeOutput: (content) => terminal.writeWhole(content),
    onTransfer: (event) => {
      if (event.kind === "tagged") movedTags.push(`${event.store}:${event.tag}`);
      progress.listener(event);
    },
  };
  const progress = startProgress(terminal, flags);
  try {
    return await work(targets, options);
  } catch (error) {
    throw withMovedTags(error, movedTags);
  } finally {
    progress.stop();
  }
}

function targetsOf({ tag = [] }: PushingFlags): ImageLocation[] {
  return tag.map((text) => parseTarget(text, "--tag"));
}

/**
 * Prints what was done: `summary` for people, on standard error; the names, or the document, on standard output. Where
 * that holds an archive, the names go to standard error.
 */
export function reportPushed(
  pushed: readonly PushedImage[],
  summary: string,
  document: unknown,
  flags: PushingFlags,
  terminal: Terminal,
): void {
  const { json = false, quiet = false } = flags;
  if (!quiet) terminal.writeError(summary);
  if (json) {
    terminal.write(`${visibleJson(document)}\n`);
    return;
  }
  const lines = pushed.map(({ name, digest }) => `${name}@${digest}\n`).join("");
  if (archivesOnOutput([{ targets: targetsOf(flags) }]).length === 0) terminal.write(lines);
  else if (!quiet) terminal.writeError(lines);
}
