import type { Call } from "./call.ts";

/**
 * Bytes as they arrive. Leaving a `for await` loop early releases whatever the bytes come from (socket, file).
 * Chunks belong to the reader once yielded.
 */
export type Content = AsyncIterable<Uint8Array>;

/** Content that can be opened again, from its first byte, and hence be retried. */
export interface OpenContent {
  (call: Call): Promise<Content>;
  /** The bytes from `start` on, **not verified**; set where they can be had without those before. */
  readonly from?: ((start: number, call: Call) => Promise<Content>) | undefined;
}

/** Content of which parts can be passed over without being read. */
export interface SkippableContent extends Content {
  /** Passes over up to `count` of the bytes that come next. Gives how many there were. */
  skip(count: number): number;
}
