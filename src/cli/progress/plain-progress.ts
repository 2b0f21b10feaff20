import type { TransferEvent, TransferListener } from "../../io/transfer.ts";
import { visibleText } from "../../model/visible-text.ts";
import { formatBytes, formatDuration } from "../quantities.ts";
import { ActiveTransfers, blobName } from "./transfers.ts";

/** Where lines go. */
export type WriteText = (text: string) => void;

/** One line when a blob has arrived, was sent, mounted or found; for logs and pipes. */
export function plainProgress(write: WriteText, isVerbose: boolean): TransferListener {
  const transfers = new ActiveTransfers(() => performance.now());
  return (event) => {
    const ended = transfers.take(event);
    if (event.kind === "finished" && ended !== undefined) {
      const { direction, store, startedAt, bytes } = ended;
      const verb = direction === "download" ? "read" : "sent";
      const time = formatDuration(performance.now() - startedAt);
      write(
        `${verb} ${blobName(ended)} ${direction === "download" ? "from" : "to"} ${store}: ${formatBytes(bytes)} in ${time}\n`,
      );
    } else {
      const line = describeEvent(event, isVerbose);
      if (line !== undefined) write(`${line}\n`);
    }
  };
}

/** The line for an event that is news by itself; `undefined` for the others. */
export function describeEvent(event: TransferEvent, isVerbose: boolean): string | undefined {
  switch (event.kind) {
    case "mounted":
      return `mounted ${blobName(event)} from ${event.from} at ${event.store}: ${formatBytes(event.descriptor.size)} not sent`;
    case "present":
      return `found ${blobName(event)} at ${event.store}: ${formatBytes(event.descriptor.size)} not sent`;
    case "tagged":
      return `tagged ${event.store}:${event.tag}`;
    case "retry":
      return visibleText(
        `retry ${event.attempt} of ${event.what} in ${formatDuration(event.delayMs)}: ${event.reason}`,
      );
    case "warning":
      return visibleText(`warning: ${event.message}`);
    case "note":
      return isVerbose ? visibleText(event.message) : undefined;
    case "fallback":
      return isVerbose
        ? visibleText(`passed over ${event.place} for ${event.store}: ${event.reason}`)
        : undefined;
    case "request":
      return isVerbose
        ? `${event.method} ${event.url} ${event.status} ${Math.round(event.ms)} ms`
        : undefined;
    default:
      return undefined;
  }
}
