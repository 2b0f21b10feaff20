import type { Call } from "./call.ts";

/**
 * Aborts work that makes no progress. It runs only while told to wait, so that time spent elsewhere is not counted. Once
 * ended it waits no more, whoever asks: what lags behind the work cannot keep the process alive.
 */
export class StallTimer {
  readonly #controller = new AbortController();
  readonly #call: Call;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  /** Stops the guarded work: aborted by the caller's own signal, or when a wait was too long. */
  readonly signal: AbortSignal;

  constructor(call: Call) {
    this.#call = call;
    this.signal = AbortSignal.any([call.signal, this.#controller.signal]);
  }

  /** Whether a wait was too long. */
  get expired(): boolean {
    return this.#controller.signal.aborted && !this.#call.signal.aborted;
  }

  /** Begins a wait of at most `ms` milliseconds, in place of the one before. */
  wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#controller.abort(), ms);
  }

  /** Ends the wait; another may follow. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Ends the wait for good. */
  end(): void {
    this.#ended = true;
    this.stop();
  }
}
