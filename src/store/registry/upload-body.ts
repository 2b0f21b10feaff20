import { Readable } from "node:stream";
import type { Call } from "../../io/call.ts";
import type { OpenContent } from "../../io/content.ts";
import type { StallTimer } from "../../io/stall-timer.ts";
import type { TransferListener } from "../../io/transfer.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Party } from "./http.ts";

/** What an upload's body reports to. */
export interface UploadBodyOptions {
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  readonly party: Party;
  readonly onTransfer: TransferListener;
  readonly stall: StallTimer;
  /** Longest time for the connection to take a chunk, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest time from the last chunk to the answer, in milliseconds. */
  readonly commitMs: number;
}

/**
 * The body of an upload. The last chunk is held back until the content has ended well, so that a source that fails at
 * its end leaves an upload that cannot be completed.
 */
export class UploadBody {
  readonly #options: UploadBodyOptions;
  /** What the source threw, or was wrong about its size; tells its faults from the connection's. */
  sourceError: unknown;

  constructor(options: UploadBodyOptions) {
    this.#options = options;
  }

  async open(call: Call): Promise<Readable> {
    return Readable.from(this.#chunks(call), { objectMode: false, highWaterMark: 64 * 1024 });
  }

  async *#chunks(call: Call): AsyncGenerator<Uint8Array> {
    const { stall, timeoutMs, commitMs } = this.#options;
    stall.stop();
    let held: Uint8Array | undefined;
    for await (const chunk of this.#source(call)) {
      if (held !== undefined) {
        stall.wait(timeoutMs);
        yield held;
        stall.stop();
        this.#progress(held.byteLength);
      }
      held = chunk;
    }
    stall.wait(commitMs);
    if (held === undefined) return;
    yield held;
    this.#progress(held.byteLength);
  }

  async *#source(call: Call): AsyncGenerator<Uint8Array> {
    const { descriptor, open, party } = this.#options;
    let size = 0;
    try {
      for await (const chunk of await open(call)) {
        if (chunk.byteLength === 0) continue;
        size += chunk.byteLength;
        if (size > descriptor.size) break;
        yield chunk;
      }
      if (size !== descriptor.size) {
        const amount = size > descriptor.size ? "more than" : `${size} of`;
        throw new ComposeImageError(
          "SIZE_MISMATCH",
          `${party.side} ${party.store}: the content to upload as ${descriptor.digest} has ${amount} ${descriptor.size} bytes`,
        );
      }
    } catch (error) {
      this.sourceError ??= error;
      throw error;
    }
  }

  #progress(bytes: number): void {
    const { descriptor, onTransfer, party } = this.#options;
    onTransfer({ kind: "progress", direction: "upload", store: party.store, descriptor, bytes });
  }
}
