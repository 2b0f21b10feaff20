import type { TransferEvent } from "../../io/transfer.ts";
import type { Descriptor } from "../../model/descriptor.ts";

/** A blob on its way. */
export interface ActiveTransfer {
  readonly direction: "download" | "upload";
  readonly store: string;
  readonly descriptor: Descriptor;
  readonly startedAt: number;
  /** Bytes moved; may pass the blob's size when parts are moved again. */
  bytes: number;
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
    if (!("direction" in event)) return undefined;
    const { direction, store, descriptor } = event;
    const key = `${direction} ${store} ${descriptor.digest}`;
    const known = this.#active.get(key);
    if (event.kind === "finished" || event.kind === "failed") {
      this.#active.delete(key);
      return known;
    }
    const transfer = known ?? { direction, store, descriptor, startedAt: this.#now(), bytes: 0 };
    if (event.kind === "progress") transfer.bytes += event.bytes;
    this.#active.set(key, transfer);
    return undefined;
  }
}

/** The first characters of a digest that tell blobs apart. */
export function shortDigest({ digest }: Descriptor): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
