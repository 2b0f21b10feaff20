import type { Command } from "commander";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { carryOut } from "../../mirror/carry-out.ts";
import { addMirrorOptions, type MirrorFlags } from "../../mirror/mirror-options.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Example:
  compose-image mirror diff -f mirror.yaml registry.inside:5000

Standard output gets one line for each image that would move: TARGET:TAG@sha256:…
The exit status is 0, whether there is something to copy or not; with --exit-code it is 1 when there is.`;

/** Adds `mirror diff`: what a run would move. */
export function addMirrorDiffCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("diff")
    .summary("say what a run would copy")
    .description("Says which images another run would copy, and how many bytes. Nothing is written.")
    .argument("<place>", "REGISTRY[/PREFIX], oci-archive:FILE or oci:DIR")
    .option("--have <file>", "inventory of the receiver: what it has is left out")
    .option("--exit-code", "end with 1 when there is something to copy");
  addMirrorOptions(command)
    .addHelpText("after", example)
    .action((target: string, flags: MirrorFlags) =>
      carryOut(parseMirrorPlace(target), { ...flags, dryRun: true }, terminal),
    );
}
