import type { Command } from "commander";
import { parseLocation } from "../../model/location.ts";
import { visibleJson } from "../../model/visible-text.ts";
import { type AskingFlags, asking, platformOption } from "../asking.ts";
import { NegativeAnswer } from "../exit-status.ts";
import { addOutputOptions, addRegistryOptions } from "../shared-options.ts";
import { describeStale, staleDocument } from "../stale-report.ts";
import type { Terminal } from "../terminal.ts";

const examples = `
Examples:
  compose-image stale registry.example/app:1.2.3 || compose-image recompose registry.example/app:1.2.3
  compose-image stale --json registry.example/app:1.2.3 registry.example/other:1

The exit status is 0 when builders and base are what they were, 1 when one moved, and that of the first failure when one
could not be found out; the table is printed all the same.`;

/** Adds `stale`: whether what images were made from has moved. */
export function addStaleCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("stale")
    .summary("say whether builder or base of composed images moved")
    .description("Compares what images were made from with what the same references stand for now.")
    .argument("<image...>", "images that compose-image made: registry references or oci:DIR[:TAG]")
    .option(...platformOption);
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", examples)
    .action((images: string[], flags: AskingFlags) => stale(images, flags, terminal));
}

async function stale(names: readonly string[], flags: AskingFlags, terminal: Terminal): Promise<void> {
  const locations = names.map(parseLocation);
  const { checkImages } = await import("../../ops/check-stale.ts");
  const images = await asking(flags, terminal, (options) => checkImages(locations, options));
  if (flags.json) terminal.write(`${visibleJson(staleDocument(images))}\n`);
  else terminal.write(describeStale(images));
  const checks = images.flatMap((image) => image.checks);
  const [failure] = [...images, ...checks].flatMap((each) => each.failure ?? []);
  if (failure !== undefined) throw failure;
  if (checks.some(({ status }) => status === "moved")) throw new NegativeAnswer();
}
