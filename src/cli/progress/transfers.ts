import type { TransferEvent } from "../../io/transfer.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { formatPlatform, type Platform } from "../../model/platform.ts";
import { formatDuration } from "../quantities.ts";

/** A blob on its way. */
export interface ActiveTransfer {
  readonly direction: "download" | "upload";
  readonly store: string;
  readonly descriptor: Descriptor;
  readonly platform: Platform | undefined;
  readonly startedAt: number;
  /** Bytes moved; may pass the blob's size when parts are moved again. */
  bytes: number;
  /** What it waits for after a fault; `undefined` while it moves. */
  retry?: string | undefined;
}

/** Keeps book of the blobs on their way. */
export class ActiveTransfers {
  readonly #active = new Map<string, ActiveTransfer>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** In the order they began. */
  get all(): readonly ActiveTransfer[] {
    return [...this.#active.values()];
  }

  /** Takes note of an event; gives the transfer it ended. */
  take(event: TransferEvent): ActiveTransfer | undefined {
    if (event.kind === "retry") this.#takeRetry(event);
    if (!("direction" in event)) return undefined;
    const { direction, store, descriptor, platform } = event;
    const key = keyOf(direction, store, descriptor);
    const known = this.#active.get(key);
    if (event.kind === "finished" || event.kind === "failed") {
      this.#active.delete(key);
      return known;
    }
    const transfer = known ?? {
      direction,
      store,
      descriptor,
      platform,
      startedAt: this.#now(),
      bytes: 0,
    };
    if (event.kind === "progress") {
      transfer.bytes += event.bytes;
      transfer.retry = undefined;
    }
    this.#active.set(key, transfer);
    return undefined;
  }

  #takeRetry({ store, transfer, attempt, delayMs, reason }: TransferEvent & { kind: "retry" }): void {
    if (transfer === undefined) return;
    const waiting = this.#active.get(keyOf(transfer.direction, store, transfer.descriptor));
    if (waiting !== undefined) waiting.retry = `retry ${attempt} in ${formatDuration(delayMs)}: ${reason}`;
  }
}

function keyOf(direction: ActiveTransfer["direction"], store: string, { digest }: Descriptor): string {
  return `${direction} ${store} ${digest}`;
}

/** The first characters of a blob's digest, which tell it apart, and its platform where that tells more. */
export function blobName({
  descriptor: { digest },
  platform,
}: {
  readonly descriptor: Descriptor;
  readonly platform?: Platform | undefined;
}): string {
  const short = digest.slice(digest.indexOf(":") + 1).slice(0, 12);
  return platform === undefined ? short : `${short} (${formatPlatform(platform)})`;
}
