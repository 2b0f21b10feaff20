import type { Command } from "commander";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { carryOut } from "../../mirror/carry-out.ts";
import { expectLockRead } from "../../mirror/mirror-lock.ts";
import {
  addFileOptions,
  addHaveOption,
  addLockOptions,
  addRunOptions,
  addShardOption,
  type MirrorFlags,
} from "../../mirror/mirror-options.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Examples:
  compose-image mirror diff -f mirror.yaml registry.inside:5000
  compose-image mirror diff -f mirror.yaml --have inventory.json oci-archive:delta.tar

Standard output gets one line for each image that would move: TARGET:TAG@sha256:…
The exit status is 0, whether there is something to copy or not; with --exit-code it is 1 when there is.`;

/** Adds `mirror diff`: what a run would move. */
export function addMirrorDiffCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("diff")
    .summary("say what a run would copy")
    .description(
      "Says which images mirror sync or mirror save would copy, and how many bytes. Nothing is written, no lock file either.",
    )
    .argument("<place>", "where to: REGISTRY[/PREFIX], oci-archive:FILE or oci:DIR");
  addFileOptions(command);
  addLockOptions(command, "the digests that the lock file has, whatever the tags name now");
  addShardOption(command);
  addHaveOption(command)
    .optionsGroup("How to run:")
    .option("--exit-code", "end with 1 when there is something to copy");
  addRunOptions(command)
    .addHelpText("after", example)
    .action((target: string, flags: MirrorFlags) => {
      expectLockRead(flags);
      const asked: MirrorFlags = flags.locked ? flags : { ...flags, lock: false };
      return carryOut(parseMirrorPlace(target), { ...asked, dryRun: true }, terminal);
    });
}
