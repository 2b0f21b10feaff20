import { abortable } from "./abortable.ts";
import type { Call } from "./call.ts";

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/**
 * Lets callers that want the same thing at the same time share one piece of work. A caller that is aborted leaves
 * alone; when the last one has left, the work itself is aborted.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** Joins the work under this key, or starts it. */
  async run(key: string, work: (call: Call) => Promise<T>, call: Call): Promise<T> {
    call.signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    flight.waiters += 1;
    try {
      return await abortable(flight.result, call);
    } finally {
      flight.waiters -= 1;
      if (flight.waiters === 0) {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.controller.abort(call.signal.reason);
      }
    }
  }

  #start(key: string, work: (call: Call) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = {
      controller,
      waiters: 0,
      result: work({ signal: controller.signal }).finally(() => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }),
    };
    flight.result.catch(() => {});
    this.#flights.set(key, flight);
    return flight;
  }
}
