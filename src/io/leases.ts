import type { Call } from "./call.ts";
import type { Clock } from "./clock.ts";

/** The right to be one of those at work. */
export interface Lease {
  /** Says that its holder waits for something else: for its reader, for its source. */
  rest(): void;
  /** Says that it goes on. */
  resume(): void;
  /** Gives it back; again, it does nothing. */
  end(): void;
}

/** How long a lease that others want may rest, in milliseconds. */
const longestRestMs = 2_000;

/**
 * Lets so many holders work at once, in the order they came. A holder may wait for somebody who still waits for a lease: a
 * download for the upload that is to read it. So a lease that has rested for two seconds while others wait is no longer
 * counted, and its holder goes on when it can. That way nobody waits for ever, whatever waits for what.
 */
export class Leases {
  readonly #count: number;
  readonly #clock: Clock;
  /** Since when the counted ones rest; `Infinity` for those at work. */
  readonly #counted = new Map<Lease, number>();
  readonly #waiting = new Set<(lease: Lease) => void>();
  #watch: AbortController | undefined;

  /** @param count at least 1. */
  constructor(count: number, clock: Clock) {
    this.#count = count;
    this.#clock = clock;
  }

  /** @throws the signal's reason when aborted, at once. */
  async take(call: Call): Promise<Lease> {
    call.signal.throwIfAborted();
    if (this.#counted.size < this.#count) return this.#lease();
    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    const leave = (): void => reject(call.signal.reason);
    this.#waiting.add(resolve);
    call.signal.addEventListener("abort", leave, { once: true });
    this.#watch ??= this.#watchRests();
    try {
      return await promise;
    } finally {
      call.signal.removeEventListener("abort", leave);
      this.#waiting.delete(resolve);
      this.#endWatch();
    }
  }

  #lease(): Lease {
    const since = (moment: number): void => {
      if (this.#counted.has(lease)) this.#counted.set(lease, moment);
    };
    const lease: Lease = {
      rest: () => since(this.#clock.now()),
      resume: () => since(Number.POSITIVE_INFINITY),
      end: () => {
        if (this.#counted.delete(lease)) this.#admit();
      },
    };
    this.#counted.set(lease, Number.POSITIVE_INFINITY);
    return lease;
  }

  #admit(): void {
    for (const admit of this.#waiting) {
      if (this.#counted.size >= this.#count) return;
      this.#waiting.delete(admit);
      admit(this.#lease());
    }
  }

  /** Looks after leases that rest, for as long as somebody waits. */
  #watchRests(): AbortController {
    const watch = new AbortController();
    const look = async (): Promise<void> => {
      for (;;) {
        const now = this.#clock.now();
        const firstRest = Math.min(now, ...this.#counted.values());
        await this.#clock.sleep(firstRest + longestRestMs - now, watch);
        const due = this.#clock.now() - longestRestMs;
        for (const [lease, since] of this.#counted) if (since <= due) this.#counted.delete(lease);
        this.#admit();
      }
    };
    look().catch(() => {});
    return watch;
  }

  #endWatch(): void {
    if (this.#waiting.size > 0) return;
    this.#watch?.abort();
    this.#watch = undefined;
  }
}
