import type { Call } from "./call.ts";

/** Lets so many pieces of work run at once, in the order they came, wherever they are started. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param count at least 1. */
  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  /** Runs the work in a slot of its own. Work that waits for other work of the same slots must not be in one itself. */
  async run<T>(work: () => Promise<T>, call: Call): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      call.signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
