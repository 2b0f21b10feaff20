import { Readable } from "node:stream";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import type { StallTimer } from "../../io/stall-timer.ts";
import type { ByteRange } from "./content-range.ts";
import type { UploadSource } from "./upload-source.ts";

/** What an upload's body is made of, and reports to. */
export interface UploadBodyOptions {
  readonly source: UploadSource;
  /** The part that is sent; an empty one ends before it begins. */
  readonly range: ByteRange;
  readonly stall: StallTimer;
  /** Longest time for the connection to take a chunk, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest time from the last chunk to the answer, in milliseconds. */
  readonly commitMs: number;
  /** Told of bytes that the connection has taken. */
  readonly onSent: (bytes: number) => void;
  /** Holds the content up as limits want it, which is no stall either. */
  readonly paced: (content: Content) => Content;
}

/** The body of one request of an upload. Waiting for the source is no stall, waiting for the connection is. */
export function uploadBody(options: UploadBodyOptions, call: Call): Readable {
  return Readable.from(chunks(options, call), { objectMode: false, highWaterMark: 64 * 1024 });
}

async function* chunks(options: UploadBodyOptions, call: Call): AsyncGenerator<Uint8Array> {
  const { source, range, stall, timeoutMs, commitMs, onSent, paced } = options;
  const end = range.last + 1;
  let at = range.first;
  stall.stop();
  for await (const chunk of paced(source.part(at, end, call))) {
    at += chunk.byteLength;
    stall.wait(at < end ? timeoutMs : commitMs);
    yield chunk;
    if (at < end) stall.stop();
    onSent(chunk.byteLength);
  }
  stall.wait(commitMs);
}
