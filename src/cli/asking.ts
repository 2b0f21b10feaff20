import { parsePlatform } from "../model/platform.ts";
import type { ImageFilesOptions } from "../ops/image-files.ts";
import { startProgress } from "./progress/start-progress.ts";
import { type OutputFlags, type RegistryFlags, registryOptions } from "./shared-options.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of commands that ask about an image and change nothing. */
export interface AskingFlags extends RegistryFlags, OutputFlags {
  readonly platform?: string;
}

/** The option that says which platform of an image is meant. */
export const platformOption = [
  "--platform <os/arch>",
  "platform of the image (default: the only one, else this machine's)",
] as const;

/**
 * Does the work of a command that asks about an image. What it finds is what was asked for: transfers are told only on a
 * terminal, or with `--verbose`.
 */
export async function asking<T>(
  flags: AskingFlags,
  terminal: Terminal,
  work: (options: ImageFilesOptions) => Promise<T>,
): Promise<T> {
  const isTold = terminal.isInteractive || flags.verbose === true;
  const progress = startProgress(terminal, { ...flags, quiet: flags.quiet === true || !isTold });
  const options: ImageFilesOptions = {
    ...registryOptions(flags, terminal),
    ...(flags.platform !== undefined && { platform: parsePlatform(flags.platform) }),
    signal: terminal.signal,
    onTransfer: progress.listener,
  };
  return work(options).finally(() => progress.stop());
}
