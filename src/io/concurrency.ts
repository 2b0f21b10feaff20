import type { Call } from "./call.ts";

/**
 * Does `work` for every item, at most `limit` at a time, starting them in order. The first failure stops the others
 * through their call's signal, and is thrown once all have ended.
 */
export async function forEachConcurrently<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, call: Call) => Promise<void>,
  call: Call,
): Promise<void> {
  call.signal.throwIfAborted();
  const stop = new AbortController();
  const inner: Call = { signal: AbortSignal.any([call.signal, stop.signal]) };
  const queue = [...items];
  const waiting = queue.values();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done && !inner.signal.aborted; next = waiting.next()) {
      try {
        await work(next.value, inner);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, limit), queue.length) }, worker));
  call.signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}
