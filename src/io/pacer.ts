import { abortable } from "./abortable.ts";
import type { Call } from "./call.ts";
import type { Clock } from "./clock.ts";

/**
 * Lets so much through in a second, in the order it is asked for. An amount passes as soon as those before it are paid
 * for; so a single one may be larger than what a second allows. Who is aborted while waiting costs the others nothing.
 */
export class Pacer {
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #credit: number;
  /** Until when what has passed is being paid for. */
  #busyUntil = Number.NEGATIVE_INFINITY;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param perSecond `Infinity` where only {@link pause} is to count.
   * @param creditMs how much of the time in which nobody came may be made up for, in milliseconds.
   */
  constructor(perSecond: number, clock: Clock, creditMs = 0) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#credit = creditMs;
  }

  /**
   * Waits until the amount may pass.
   *
   * @throws the signal's reason when aborted.
   */
  async take(amount: number, call: Call): Promise<void> {
    call.signal.throwIfAborted();
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    try {
      await abortable(before, call);
      for (;;) {
        const ms = this.#busyUntil - this.#clock.now();
        if (ms <= 0) break;
        await this.#clock.sleep(ms, call);
      }
      this.charge(amount);
    } finally {
      before.then(() => resolve());
    }
  }

  /** Counts an amount that did not wait. */
  charge(amount: number): void {
    const earliest = this.#clock.now() - this.#credit;
    this.#busyUntil = Math.max(earliest, this.#busyUntil) + (amount * 1000) / this.#perSecond;
  }

  /** Lets nothing through for so many milliseconds from now. */
  pause(ms: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#clock.now() + ms);
  }
}
