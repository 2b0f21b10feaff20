import type { Command } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import { parseLocation } from "../../model/location.ts";
import { visibleJson } from "../../model/visible-text.ts";
import { type AskingFlags, asking } from "../asking.ts";
import { imageDocument } from "../image-document.ts";
import { describeImage } from "../image-report.ts";
import { addOutputOptions, addRegistryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface InspectFlags extends AskingFlags {
  readonly raw?: boolean;
}

const example = `
Examples:
  compose-image inspect registry.example/app:1.2.3
  compose-image inspect --json --platform linux/arm64 registry.example/app:1.2.3

Only manifests and configurations are read, no layer. The exit status is 0 also where an index names manifests that are
not there: they are listed as missing.`;

/** Adds `inspect`: what an image says of itself. */
export function addInspectCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("inspect")
    .summary("show platforms, layers, configuration, history and annotations of an image")
    .description(
      "Shows what an image says of itself: its manifests, platforms, layers with their sizes, configuration, history\nand annotations.",
    )
    .argument("<image>", "a registry reference, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE")
    .option("--platform <os/arch>", "show this platform alone")
    .option("--raw", "print the manifest or index as it is stored, byte for byte");
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action((image: string, flags: InspectFlags) => inspect(image, flags, terminal));
}

async function inspect(image: string, flags: InspectFlags, terminal: Terminal): Promise<void> {
  if (flags.raw === true && flags.json === true) {
    throw new ComposeImageError("USAGE", "--raw and --json are two different outputs", {
      hint: "Give one of them: --raw prints the stored bytes, --json what they say.",
    });
  }
  const { inspectImage, readRawManifest } = await import("../../ops/inspect-image.ts");
  const location = parseLocation(image);
  if (flags.raw) {
    const { bytes } = await asking(flags, terminal, (options) => readRawManifest(location, options));
    return terminal.writeContent(once(bytes));
  }
  const tree = await asking(flags, terminal, (options) => inspectImage(location, options));
  if (flags.json) terminal.write(`${visibleJson(imageDocument(tree))}\n`);
  else terminal.write(describeImage(tree));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
