import type { Call } from "./call.ts";
import type { OpenContent } from "./content.ts";
import { LastBytes } from "./last-bytes.ts";

/**
 * Content for one reader after another, each beginning where it likes. The bytes read last are kept, so that going back
 * that far costs nothing. For going back further the content is opened once more, and left where the kept bytes begin:
 * what was opened first stays open, and is gone on with. A reader that is left in the middle of a wait does no harm: what
 * it waited for is there for the next.
 */
export class RewindableContent {
  readonly #open: OpenContent;
  readonly #kept: LastBytes;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #closed = false;
  /** The chunk that was read last, which need not be copied for the reader that waits for it. */
  #fresh: Uint8Array = new Uint8Array();
  #ended = false;
  #pulling: Promise<void> | undefined;

  /** @param keep how many bytes can be gone back for nothing. */
  constructor(open: OpenContent, keep: number) {
    this.#open = open;
    this.#kept = new LastBytes(Math.max(1, keep));
  }

  /**
   * The content from a byte on; nothing when it ends before. The reader before must not go on.
   *
   * @throws what the content throws.
   */
  async *from(offset: number, call: Call): AsyncGenerator<Uint8Array> {
    let at = offset;
    for (;;) {
      const fresh = this.#fresh.subarray(Math.max(0, at - this.#freshStart));
      if (at >= this.#freshStart && fresh.byteLength > 0) {
        at += fresh.byteLength;
        yield fresh;
      } else if (at < this.#kept.start) {
        for await (const piece of this.#again(at, call)) {
          at += piece.byteLength;
          yield piece;
        }
      } else if (at < this.#kept.end) {
        const piece = this.#kept.from(at);
        at += piece.byteLength;
        yield piece;
      } else if (this.#ended) {
        return;
      } else {
        await this.#pull(call);
      }
    }
  }

  get #freshStart(): number {
    return this.#kept.end - this.#fresh.byteLength;
  }

  /** Releases whatever the content comes from. */
  close(): void {
    if (this.#iterator !== undefined) release(this.#iterator);
    this.#kept.release();
    this.#fresh = new Uint8Array();
    this.#ended = true;
    this.#closed = true;
  }

  /** From a byte before the kept ones on, up to these. */
  async *#again(offset: number, call: Call): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const chunk of await this.#open(call)) {
      const piece = chunk.subarray(Math.max(0, offset - at));
      at += chunk.byteLength;
      if (piece.byteLength > 0) yield piece;
      if (at >= this.#kept.start) return;
    }
    throw new Error(`content that had ${this.#kept.end} bytes has ${at} when it is opened again`);
  }

  #pull(call: Call): Promise<void> {
    this.#pulling ??= this.#next(call).finally(() => {
      this.#pulling = undefined;
    });
    return this.#pulling;
  }

  async #next(call: Call): Promise<void> {
    const iterator = this.#iterator ?? (await this.#open(call))[Symbol.asyncIterator]();
    if (this.#closed) return release(iterator);
    this.#iterator = iterator;
    const { value, done } = await iterator.next();
    if (this.#closed) return;
    if (done) {
      this.#ended = true;
      return;
    }
    if (value.byteLength === 0) return;
    this.#fresh = value;
    this.#kept.add(value);
  }
}

/** Does not wait: that would be for the chunk that was asked for last. */
function release(iterator: AsyncIterator<Uint8Array>): void {
  Promise.resolve(iterator.return?.()).catch(() => {});
}
