import type { Readable } from "node:stream";

/** What {@link withMinimumProgress} holds a connection to. */
export interface MinimumProgress {
  /** Longest time of waiting, in milliseconds, … */
  readonly timeoutMs: number;
  /** … in which at least so many bytes must come, unless it is the end. Default 16 KiB. */
  readonly bytes?: number;
  /** The fault when they do not. */
  readonly stalled: () => Error;
}

/**
 * The chunks of a stream that must not trickle: one that brings a byte now and then would keep its reader waiting for
 * ever. Only the time that is spent waiting for the stream counts, not the reader's own. Leaving early destroys the
 * stream.
 *
 * @throws `stalled()`, and what the stream throws.
 */
export async function* withMinimumProgress(
  stream: Readable,
  { timeoutMs, bytes = 16 * 1024, stalled }: MinimumProgress,
): AsyncGenerator<Uint8Array> {
  let waited = 0;
  let come = 0;
  let begun = 0;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    begun = performance.now();
    timer = setTimeout(() => stream.destroy(stalled()), Math.max(0, timeoutMs - waited));
  };
  try {
    wait();
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      waited += performance.now() - begun;
      come += chunk.byteLength;
      if (come >= bytes) {
        waited = 0;
        come = 0;
      }
      yield chunk;
      wait();
    }
  } finally {
    clearTimeout(timer);
  }
}
