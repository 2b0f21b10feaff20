import { setTimeout as sleepMs } from "node:timers/promises";
import type { Call } from "./call.ts";

/** Time as far as waiting needs it, in milliseconds. */
export interface Clock {
  /** Never goes back; from when it counts is of no meaning. */
  now(): number;
  /** @throws the signal's reason when aborted. */
  sleep(ms: number, call: Call): Promise<void>;
}

/** The machine's own. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, call) => {
    call.signal.throwIfAborted();
    try {
      await sleepMs(ms, undefined, { signal: call.signal });
    } catch (error) {
      call.signal.throwIfAborted();
      throw error;
    }
  },
};
