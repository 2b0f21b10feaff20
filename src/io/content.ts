import type { Call } from "./call.ts";

/**
 * Bytes as they arrive. Leaving a `for await` loop early releases whatever the bytes come from (socket, file).
 * Chunks belong to the reader once yielded.
 */
export type Content = AsyncIterable<Uint8Array>;

/** Content that can be opened again, from its first byte, and hence be retried. */
export type OpenContent = (call: Call) => Promise<Content>;
