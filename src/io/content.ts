import type { Call } from "./call.ts";

/**
 * Bytes as they arrive. Leaving a `for await` loop early releases whatever the bytes come from (socket, file).
 * Chunks belong to the reader once yielded.
 */
export type Content = AsyncIterable<Uint8Array>;

/** Content that can be opened again, from its first byte, and hence be retried. */
export type OpenContent = (call: Call) => Promise<Content>;

/** Content of which parts can be passed over without being read. */
export interface SkippableContent extends Content {
  /** Passes over up to `count` of the bytes that come next. Gives how many there were. */
  skip(count: number): number;
}
