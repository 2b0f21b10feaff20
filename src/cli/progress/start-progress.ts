import { ignoreTransfers, type TransferListener } from "../../io/transfer.ts";
import type { OutputFlags } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";
import { LiveProgress } from "./live-progress.ts";
import { plainProgress } from "./plain-progress.ts";

/** Shows transfers on standard error: live lines on a terminal, plain ones elsewhere, none with `--quiet`. */
export function startProgress(
  terminal: Terminal,
  { quiet = false, verbose = false }: OutputFlags,
): { readonly listener: TransferListener; stop(): void } {
  const write = (text: string): void => terminal.writeError(text);
  if (quiet) return { listener: ignoreTransfers, stop: () => {} };
  if (terminal.isInteractive) return new LiveProgress(write, () => terminal.width(), verbose);
  return { listener: plainProgress(write, verbose), stop: () => {} };
}
