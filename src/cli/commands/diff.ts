import type { Command } from "commander";
import { parseLocation } from "../../model/location.ts";
import { visibleJson } from "../../model/visible-text.ts";
import { type AskingFlags, asking } from "../asking.ts";
import { NegativeAnswer } from "../exit-status.ts";
import { describeDifference, differenceDocument } from "../image-difference.ts";
import { addOutputOptions, addRegistryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface DiffFlags extends AskingFlags {
  readonly exitCode?: boolean;
  /** `false` with `--no-times`. */
  readonly times?: boolean;
}

const example = `
Examples:
  compose-image diff registry.example/app:1.2.2 registry.example/app:1.2.3
  compose-image diff --exit-code --no-times registry.example/app:1.2.3 oci:build/app

Lines begin with - for what only the first image has, + for the second, ~ for files that differ. Layers are read, but
nothing is unpacked. The exit status is 0 either way; with --exit-code it is 1 when something differs.`;

/** Adds `diff`: what differs between two images. */
export function addDiffCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("diff")
    .summary("compare two images: files, configuration, layers")
    .description(
      "Says what differs between two images: files added, removed and changed, with all layers applied; configuration,\nannotations and layers.",
    )
    .argument("<before>", "a registry reference, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE")
    .argument("<after>", "the image it is compared with")
    .option("--platform <os/arch>", "platform of both (default: the only one, else this machine's)")
    .option("--no-times", "files that differ in their times alone are equal")
    .option("--exit-code", "exit with status 1 when something differs");
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action(async (before: string, after: string, flags: DiffFlags) => {
      const locations = [parseLocation(before), parseLocation(after)] as const;
      const { diffImages, isEqual } = await import("../../ops/diff-images.ts");
      const difference = await asking(flags, terminal, (options) =>
        diffImages(...locations, { ...options, times: flags.times }),
      );
      if (flags.json) terminal.write(`${visibleJson(differenceDocument(difference))}\n`);
      else terminal.write(describeDifference(difference));
      if (flags.exitCode && !isEqual(difference)) throw new NegativeAnswer();
    });
}
