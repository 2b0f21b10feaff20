import type { Command } from "commander";
import { parseLocation } from "../../model/location.ts";
import { visibleJson } from "../../model/visible-text.ts";
import { type AskingFlags, asking, platformOption } from "../asking.ts";
import { addOutputOptions, addRegistryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface ExplainFlags extends AskingFlags {
  readonly floating?: boolean;
}

const examples = `
Examples:
  compose-image explain registry.example/app:1.2.3 > compose.yaml
  compose-image explain registry.example/app:1.2.3 | compose-image dockerfile -

What is printed is a compose.yaml. Builders and base are pinned by their digests: composed from it, the image is the same
to the byte. With --floating they are named as they were, and what their tags stand for now is taken.`;

/** Adds `explain`: the plan that an image was made from. */
export function addExplainCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("explain")
    .summary("print what a composed image was made from, as a compose.yaml")
    .description(
      "Reads an image that compose-image made, and prints what it was made from, as a compose.yaml.",
    )
    .argument("<image>", "a registry reference or oci:DIR[:TAG]")
    .option("--floating", "builders and base by their tags, without digests")
    .option(...platformOption);
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", examples)
    .action(async (image: string, flags: ExplainFlags) => {
      const location = parseLocation(image);
      const { readRecord } = await import("../../ops/read-record.ts");
      const { recordedDocument, recordedFile } = await import("../recorded-file.ts");
      const composition = await asking(flags, terminal, (options) => readRecord(location, options));
      if (flags.json) terminal.write(`${visibleJson(recordedDocument(composition))}\n`);
      else terminal.write(recordedFile(composition, flags.floating ? "floating" : "pinned"));
    });
}
