import { ComposeImageError } from "../model/errors.ts";
import { type ArchiveLocation, formatLocation, isArchive, standardOutput } from "../model/location.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import type { OutputFlags } from "./shared-options.ts";
import type { Terminal } from "./terminal.ts";

/** The archives that go to standard output, one for each image that is made at most. */
export function archivesOnOutput(images: readonly Pick<ComposePlan, "targets">[]): ArchiveLocation[] {
  return images.flatMap(
    ({ targets }) => targets.filter(isArchive).find(({ file }) => file === standardOutput) ?? [],
  );
}

/**
 * Refuses an archive on a standard output that is for something else as well.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectOutputFree(
  archives: readonly ArchiveLocation[],
  flags: OutputFlags,
  terminal: Pick<Terminal, "isOutputTerminal">,
): void {
  const [first, second] = archives;
  if (first === undefined) return;
  const refuse = (what: string, hint: string): never => {
    throw new ComposeImageError("USAGE", `${formatLocation(first)}: ${what}`, { hint });
  };
  if (second !== undefined) {
    refuse("standard output holds one image", "Compose the images into a file, or one at a time.");
  }
  if (flags.json) {
    refuse(
      "standard output is for --json already",
      "Leave it out (compose has --metadata-file), or name a file for the archive.",
    );
  }
  if (terminal.isOutputTerminal) {
    refuse(
      "standard output is a terminal",
      "Name a file, or pass it on: compose-image … --tag docker-archive:-:app:1 | docker load",
    );
  }
}
