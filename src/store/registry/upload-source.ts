import type { Call } from "../../io/call.ts";
import type { OpenContent } from "../../io/content.ts";
import { RewindableContent } from "../../io/rewindable.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Party } from "./http.ts";

/**
 * Bytes that are kept for sending them again. A connection that breaks takes with it what its buffers hold, and that is
 * less; so the source, which may be another registry, is seldom read again.
 */
const keptBytes = 8 * 1024 * 1024;

/** What is uploaded, given out part by part. */
export class UploadSource {
  readonly #content: RewindableContent;
  readonly #descriptor: Descriptor;
  readonly #party: Party;
  /** What the source threw, or was wrong about its size; tells its faults from the connection's. */
  failure: unknown;

  constructor(descriptor: Descriptor, open: OpenContent, party: Party) {
    this.#content = new RewindableContent(open, Math.min(keptBytes, descriptor.size));
    this.#descriptor = descriptor;
    this.#party = party;
  }

  /**
   * The bytes from `first` up to `end`. The last chunk of the last part is held back until the content has ended well,
   * so that a source that fails at its end leaves an upload that cannot be completed.
   *
   * @throws ComposeImageError `SIZE_MISMATCH`, and what the content throws.
   */
  async *part(first: number, end: number, call: Call): AsyncGenerator<Uint8Array> {
    const { size } = this.#descriptor;
    try {
      let at = first;
      let held: Uint8Array | undefined;
      for await (const chunk of this.#content.from(first, call)) {
        if (at + chunk.byteLength > size) throw this.#wrongSize("more than");
        if (held !== undefined) yield held;
        held = chunk.subarray(0, end - at);
        at += held.byteLength;
        if (at === end && end < size) break;
      }
      if (at < end) throw this.#wrongSize(`${at} of`);
      if (held !== undefined) yield held;
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }

  close(): void {
    this.#content.close();
  }

  #wrongSize(amount: string): ComposeImageError {
    const { digest, size } = this.#descriptor;
    const { side, store } = this.#party;
    return new ComposeImageError(
      "SIZE_MISMATCH",
      `${side} ${store}: the content to upload as ${digest} has ${amount} ${size} bytes`,
    );
  }
}
