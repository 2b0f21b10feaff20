import type { Call } from "./call.ts";

/**
 * Runs work that may go on for `ms` milliseconds after the call is aborted, for the sake of what it would otherwise
 * leave behind.
 *
 * @throws what the work throws; past the time, the abort's reason.
 */
export async function outlasting<T>(call: Call, ms: number, work: (call: Call) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => controller.abort(call.signal.reason), ms);
  };
  call.signal.throwIfAborted();
  call.signal.addEventListener("abort", begin, { once: true });
  try {
    return await work({ signal: controller.signal });
  } finally {
    call.signal.removeEventListener("abort", begin);
    clearTimeout(timer);
  }
}
