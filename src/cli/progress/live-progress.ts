import type { TransferListener } from "../../io/transfer.ts";
import { formatBytes, formatDuration } from "../quantities.ts";
import { describeEvent, type WriteText } from "./plain-progress.ts";
import { type ActiveTransfer, ActiveTransfers, blobName } from "./transfers.ts";

const redrawEveryMs = 100;
const clearLine = "\u001b[2K";
const upOneLine = "\u001b[1A";

/** A line for each blob on its way, redrawn in place; for terminals. */
export class LiveProgress {
  readonly #write: WriteText;
  readonly #width: () => number;
  readonly #isVerbose: boolean;
  readonly #transfers = new ActiveTransfers(() => performance.now());
  readonly #timer: NodeJS.Timeout;
  #drawnLines = 0;

  /** @param width columns of the terminal. */
  constructor(write: WriteText, width: () => number, isVerbose: boolean) {
    this.#write = write;
    this.#width = width;
    this.#isVerbose = isVerbose;
    this.#timer = setInterval(() => this.#draw(), redrawEveryMs);
    this.#timer.unref();
  }

  readonly listener: TransferListener = (event) => {
    this.#transfers.take(event);
    const line = describeEvent(event, this.#isVerbose);
    const isRoutine = event.kind === "mounted" || event.kind === "present";
    if (line !== undefined && (this.#isVerbose || !isRoutine)) this.#write(`${this.#erased()}${line}\n`);
  };

  /** Takes the lines away. */
  stop(): void {
    clearInterval(this.#timer);
    this.#write(this.#erased());
  }

  #draw(): void {
    const lines = this.#transfers.all.map((transfer) => transferLine(transfer, performance.now()));
    const width = Math.max(20, this.#width());
    const text = lines.map((line) => `${line.slice(0, width - 1)}\n`).join("");
    this.#write(this.#erased() + text);
    this.#drawnLines = lines.length;
  }

  #erased(): string {
    const text = `${upOneLine}${clearLine}`.repeat(this.#drawnLines);
    this.#drawnLines = 0;
    return text;
  }
}

/** One transfer: direction, blob, bytes, and its rate and time left, or what it waits for after a fault. */
function transferLine(transfer: ActiveTransfer, now: number): string {
  const { direction, store, descriptor, bytes, startedAt, retry } = transfer;
  const rate = (bytes / Math.max(1, now - startedAt)) * 1000;
  const left = Math.max(0, descriptor.size - bytes);
  const timeLeft = rate > 0 ? `, ${formatDuration((left / rate) * 1000)} left` : "";
  const arrow = direction === "download" ? "↓" : "↑";
  const pace = retry ?? `${formatBytes(rate)}/s${timeLeft}`;
  return `${arrow} ${blobName(transfer)} ${formatBytes(bytes)} of ${formatBytes(descriptor.size)}, ${pace}  ${store}`;
}
