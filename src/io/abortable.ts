import type { Call } from "./call.ts";

/**
 * What the promise gives, or the abort's reason as soon as the call is aborted. The work behind the promise goes on
 * unwatched then: it has to have the signal itself, or nothing worth releasing.
 */
export async function abortable<T>(work: Promise<T>, call: Call): Promise<T> {
  let leave = (): void => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(call.signal.reason);
    call.signal.addEventListener("abort", leave, { once: true });
    if (call.signal.aborted) leave();
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    call.signal.removeEventListener("abort", leave);
  }
}
