import type { Command } from "commander";
import { visibleJson } from "../../model/visible-text.ts";
import { type AskingFlags, asking, platformOption } from "../asking.ts";
import { describeFiles, filesDocument } from "../file-listing.ts";
import { parseFilesLocation } from "../files-location.ts";
import { addOutputOptions, addQuietOptions, addRegistryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface ListFlags extends AskingFlags {
  readonly recursive?: boolean;
}

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
  addOutputOptions(command).action(async (image: string, path: string, flags: ListFlags) => {
    const { listFiles } = await import("../../ops/image-files.ts");
    const files = await asking(flags, terminal, (options) =>
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
  addQuietOptions(command).action(async (image: string, path: string, flags: AskingFlags) => {
    const { readFile } = await import("../../ops/image-files.ts");
    await asking(flags, terminal, (options) =>
      readFile(parseFilesLocation(image), path, (content) => terminal.writeContent(content), options),
    );
  });
}
