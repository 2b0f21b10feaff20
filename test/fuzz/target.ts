import { ComposeImageError } from "../../src/model/errors.ts";
import type { Random } from "./random.ts";

/** What became of one input. */
export interface Verdict {
  /** `accepted`, or the code of the error. */
  readonly outcome: string;
  /** Whether it got past the target's first check. */
  readonly isPast: boolean;
}

/** Code that reads what strangers wrote. */
export interface FuzzTarget {
  readonly name: string;
  /** What most random inputs would fail at. */
  readonly firstCheck: string;
  /**
   * Makes an input and feeds it to the code.
   *
   * @throws whatever is a fault: an error that is no ComposeImageError, or a property that does not hold.
   */
  run(random: Random): Promise<Verdict>;
}

/** A refusal, and whether anything came of the work. */
export interface Outcome<T> {
  readonly outcome: string;
  readonly message: string;
  readonly result: T | undefined;
}

/**
 * Does the work and tells how it ended.
 *
 * @throws Error when it ended in anything but a result or a proper error: one with a code other than INTERNAL, and a
 *   message of one line.
 */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { outcome: "accepted", message: "", result: await work() };
  } catch (error) {
    if (!(error instanceof ComposeImageError) || error.code === "INTERNAL") throw error;
    if (error.message === "" || /\p{Cc}/u.test(error.message + error.hint)) {
      throw new Error(`not a message of one line: ${JSON.stringify(error.message)}`, { cause: error });
    }
    return { outcome: error.code, message: error.message, result: undefined };
  }
}

/** @throws Error naming the property that does not hold. */
export function expectHolds(holds: boolean, property: string): void {
  if (!holds) throw new Error(`does not hold: ${property}`);
}
