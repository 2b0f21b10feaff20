import { tmpdir } from "node:os";
import { standardOutput } from "../../model/location.ts";
import type { MirrorPlace } from "../../model/mirror-place.ts";
import { parseShard } from "../../plan/shard.ts";
import { NegativeAnswer } from "../exit-status.ts";
import { expectOutputFree } from "../output-archive.ts";
import { partsDirectory } from "../parts-directory.ts";
import { startProgress } from "../progress/start-progress.ts";
import { parseCount, parseSize } from "../quantities.ts";
import { registryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";
import { openMirrorLock } from "./mirror-lock.ts";
import type { MirrorFlags } from "./mirror-options.ts";
import { tellMirrored } from "./mirror-report.ts";
import { readInventory } from "./read-inventory.ts";
import { readMirrorFile } from "./read-mirror-file.ts";

/** Does what a mirror.yaml says, or with `dryRun` says what that would be. */
export async function carryOut(place: MirrorPlace, flags: MirrorFlags, terminal: Terminal): Promise<void> {
  const { dryRun = false, exitCode = false } = flags;
  const jobs = parseCount(flags.jobs, "--jobs", 1);
  const shard =
    flags.shard === undefined ? undefined : parseShard(flags.shard, terminal.env.JOB_COMPLETION_INDEX);
  const partSize = flags.split === undefined ? undefined : parseSize(flags.split, "--split");
  if (partSize !== undefined && place.transport !== "registry") {
    const { expectSplittable } = await import("../../store/archive/open-archive-target.ts");
    expectSplittable(place, partSize);
  }
  const isOutputTaken = place.transport === "oci-archive" && place.file === standardOutput && !dryRun;
  if (isOutputTaken) expectOutputFree([place], flags, terminal);
  const plan = await readMirrorFile(flags, terminal);
  const lockFile = await openMirrorLock(flags, plan, { isWritten: !dryRun && shard === undefined }, terminal);
  const have = flags.have === undefined ? undefined : await readInventory(flags.have, terminal);
  const reach = registryOptions(flags, terminal);
  const { runMirror } = await import("../../mirror/run-mirror.ts");
  const progress = startProgress(terminal, flags);
  const result = await runMirror(plan, place, {
    ...reach,
    ...{ jobs, shard, dryRun, partSize, have, partsDirectory: partsDirectory(flags), resume: true },
    lock: lockFile.given,
    temporaryDirectory: tmpdir(),
    signal: terminal.signal,
    writeOutput: (content) => terminal.writeWhole(content),
    onTransfer: progress.listener,
    onChoice: async ({ choices, faults }) => {
      const images = choices.flatMap((choice) => choice.images);
      // What was recorded when the sources could be asked is not lost when they cannot.
      if (images.length > 0 || faults.length === 0) await lockFile.writeChosen(images);
    },
  }).finally(() => progress.stop());
  const failure = tellMirrored(result, { ...flags, isOutputTaken }, terminal);
  await lockFile.writeMirrored(result.images);
  if (failure !== undefined) throw failure;
  const { copiedBytes = 0, mountedBytes = 0 } = result.forecast ?? {};
  if (exitCode && (copiedBytes + mountedBytes > 0 || result.images.some(({ isMoved }) => isMoved))) {
    throw new NegativeAnswer();
  }
}
