import { ComposeImageError } from "../model/errors.ts";
import type { Content, SkippableContent } from "./content.ts";

/**
 * Reads content by amounts of the reader's choosing, however it is cut into chunks. What lies in the current chunk is
 * handed out without copying and without waiting; only amounts that straddle chunks are joined.
 *
 * One reader at a time: a wait that has not ended must not be joined by another.
 */
export class ChunkCursor {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #skippable: SkippableContent | undefined;
  #chunk: Buffer = nothing;
  /** Where in the chunk the unread bytes begin. */
  #start = 0;
  /** How many bytes of the content lie before the current chunk. */
  #before = 0;
  /** What is left of a chunk of which a part was joined to the one before. */
  #remainder: Buffer | undefined;
  #ahead: Promise<IteratorResult<Uint8Array>> | undefined;
  #waiting = false;
  #ended = false;

  constructor(content: Content | SkippableContent) {
    this.#iterator = content[Symbol.asyncIterator]();
    this.#skippable = "skip" in content ? content : undefined;
  }

  /** How many bytes have been taken or skipped. */
  get position(): number {
    return this.#before + this.#start;
  }

  /** How many bytes can be had without waiting. */
  get available(): number {
    return this.#chunk.byteLength - this.#start;
  }

  /** The next `count` bytes, which must be available. */
  take(count: number): Buffer {
    const start = this.#start;
    this.#start = start + count;
    return this.#chunk.subarray(start, this.#start);
  }

  /** All that is available, without taking it. */
  peek(): Buffer {
    return this.#chunk.subarray(this.#start);
  }

  /** Passes over bytes that are available. */
  advance(count: number): void {
    this.#start += count;
  }

  /** Waits for bytes when none are available. `false` at the content's end. */
  async pull(): Promise<boolean> {
    while (this.available === 0) {
      const next = this.#remainder ?? (await this.#next());
      if (next === undefined) return false;
      this.#remainder = undefined;
      this.#before += this.#chunk.byteLength;
      this.#chunk = next;
      this.#start = 0;
    }
    return true;
  }

  /** Waits until `count` bytes are available. `false` when the content ends before; what there is stays available. */
  async require(count: number): Promise<boolean> {
    if (this.available === 0) await this.pull();
    if (this.available >= count) return true;
    const pieces = [this.peek()];
    let missing = count - this.available;
    while (missing > 0) {
      const next = this.#remainder ?? (await this.#next());
      this.#remainder = undefined;
      if (next === undefined) break;
      pieces.push(next.subarray(0, missing));
      if (next.byteLength > missing) this.#remainder = next.subarray(missing);
      missing -= Math.min(missing, next.byteLength);
    }
    this.#before += this.#start;
    this.#chunk = Buffer.concat(pieces);
    this.#start = 0;
    return missing === 0;
  }

  /** Passes over up to `count` bytes, unread where the content allows it. Gives how many there were. */
  async skip(count: number): Promise<number> {
    let left = count;
    while (left > 0 && (this.available > 0 || (await this.pull()))) {
      const step = Math.min(left, this.available);
      this.#start += step;
      left -= step;
      left -= this.#leap(left);
    }
    return count - left;
  }

  /** Reads to the content's end, so that whatever is checked there is checked. */
  async drain(): Promise<void> {
    this.#start = this.#chunk.byteLength;
    this.#leap(Number.POSITIVE_INFINITY);
    while (await this.pull()) this.#start = this.#chunk.byteLength;
  }

  /** Asks for the chunk after the current one without waiting for it. Holds at most one. */
  readAhead(): void {
    if (this.#ahead !== undefined || this.#remainder !== undefined || this.#waiting || this.#ended) return;
    this.#ahead = this.#iterator.next();
    this.#ahead.catch(() => {});
  }

  /** Releases whatever the content comes from, unless it has ended. A chunk asked for ahead is waited for. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }

  /** Passes over bytes that were not read yet, when none are available. Gives how many there were. */
  #leap(count: number): number {
    const canLeap = this.available === 0 && this.#remainder === undefined && this.#ahead === undefined;
    if (this.#skippable === undefined || !canLeap) return 0;
    const passed = this.#skippable.skip(count);
    this.#before += passed;
    return passed;
  }

  async #next(): Promise<Buffer | undefined> {
    if (this.#ended) return undefined;
    if (this.#waiting) {
      throw new ComposeImageError(
        "INTERNAL",
        "content was asked for the next chunk while it was waiting for one",
      );
    }
    this.#waiting = true;
    try {
      const result = await (this.#ahead ?? this.#iterator.next());
      if (!result.done) return bufferOver(result.value);
      this.#ended = true;
      return undefined;
    } catch (error) {
      this.#ended = true;
      throw error;
    } finally {
      this.#ahead = undefined;
      this.#waiting = false;
    }
  }
}

const nothing = Buffer.alloc(0);

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
