import { tmpdir } from "node:os";
import type { FilePlace, MirrorPlace } from "../../model/mirror-place.ts";
import { startProgress } from "../progress/start-progress.ts";
import { parseCount } from "../quantities.ts";
import { registryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";
import type { RunFlags } from "./mirror-options.ts";
import { tellMirrored } from "./mirror-report.ts";

/** Loads what was saved, or with `dryRun` says what that would be. */
export async function bringIn(
  from: FilePlace,
  to: MirrorPlace,
  flags: RunFlags,
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false } = flags;
  const jobs = parseCount(flags.jobs, "--jobs", 1);
  const reach = registryOptions(flags, terminal);
  const { loadMirror } = await import("../../mirror/load-mirror.ts");
  const progress = startProgress(terminal, flags);
  const result = await loadMirror(from, to, {
    ...reach,
    ...{ jobs, dryRun },
    temporaryDirectory: tmpdir(),
    signal: terminal.signal,
    onTransfer: progress.listener,
  }).finally(() => progress.stop());
  const failure = tellMirrored(result, flags, terminal);
  if (failure !== undefined) throw failure;
}
