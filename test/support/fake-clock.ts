import { setImmediate as turn } from "node:timers/promises";
import type { Call } from "../../src/io/call.ts";
import type { Clock } from "../../src/io/clock.ts";

/** A clock that stands still but for {@link FakeClock.pass}. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  /** How many sleep. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, call: Call): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { until: this.#now + ms, wake: resolve };
    call.signal.throwIfAborted();
    this.#sleepers.add(sleeper);
    call.signal.addEventListener("abort", () => {
      this.#sleepers.delete(sleeper);
      reject(call.signal.reason);
    });
    return promise;
  }

  /** Lets so many milliseconds pass, each sleeper waking when it is due, and all that follows from that happening. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      for (let i = 0; i < 5; i += 1) await turn();
      const [next] = [...this.#sleepers].sort((a, b) => a.until - b.until);
      if (next === undefined || next.until > end) break;
      this.#now = Math.max(this.#now, next.until);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#now = end;
  }
}
