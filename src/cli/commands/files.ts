import type { Command } from "commander";
import { parsePlatform } from "../../model/platform.ts";
import { visibleJson } from "../../model/visible-text.ts";
import type { ImageFilesOptions } from "../../ops/image-files.ts";
import { describeFiles, filesDocument } from "../file-listing.ts";
import { parseFilesLocation } from "../files-location.ts";
import { startProgress } from "../progress/start-progress.ts";
import {
  addOutputOptions,
  addQuietOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface FilesFlags extends RegistryFlags, OutputFlags {
  readonly platform?: string;
  readonly recursive?: boolean;
}

const platformOption = [
  "--platform <os/arch>",
  "platform of the image (default: the only one, else this machine's)",
] as const;

/** Adds `ls`: what is in an image, with all its layers applied. */
export function addLsCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("ls")
    .summary("list the files of an image")
    .description("Lists the files of an image as a container would see them: mode, owner, size, time, path.")
    .argument(
      "<image>",
      "a registry reference, oci:DIR, oci-archive:FILE, docker-archive:FILE; or local:DIR, without what .dockerignore leaves out",
    )
    .argument("[path]", "directory or file in the image", "/")
    .option("-R, --recursive", "list directories below, too")
    .option(...platformOption);
  addRegistryOptions(command);
  addOutputOptions(command).action(async (image: string, path: string, flags: FilesFlags) => {
    const { listFiles } = await import("../../ops/image-files.ts");
    const files = await withProgress(flags, terminal, (options) =>
      listFiles(parseFilesLocation(image), path, flags.recursive ?? false, options),
    );
    if (flags.json) terminal.write(`${visibleJson(filesDocument(files))}\n`);
    else terminal.write(describeFiles(files));
  });
}

/** Adds `cat`: one file of an image on standard output. */
export function addCatCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("cat")
    .summary("print a file of an image")
    .description("Prints a file of an image, once the layer it is in has been verified.")
    .argument("<image>", "a registry reference, oci:DIR, oci-archive:FILE, docker-archive:FILE; or local:DIR")
    .argument("<path>", "file in the image; symlinks are followed")
    .option(...platformOption);
  addRegistryOptions(command);
  addQuietOptions(command).action(async (image: string, path: string, flags: FilesFlags) => {
    const { readFile } = await import("../../ops/image-files.ts");
    await withProgress(flags, terminal, (options) =>
      readFile(parseFilesLocation(image), path, (content) => terminal.writeContent(content), options),
    );
  });
}

async function withProgress<T>(
  flags: FilesFlags,
  terminal: Terminal,
  work: (options: ImageFilesOptions) => Promise<T>,
): Promise<T> {
  // Files are what was asked for: transfers are told only on a terminal, or when asked.
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
