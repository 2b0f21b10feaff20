import type { Content } from "./content.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { SpoolFile } from "./spool-file.ts";

/** A stretch of a {@link Spool}. */
export interface Extent {
  /** Bytes from the spool's start. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

const slabSize = 1024 * 1024;

/**
 * Content put aside to be read later, in any order: one growing line of bytes whose beginning is in memory, as far as
 * the budget goes, and whose rest is in one temporary file.
 */
export class Spool implements AsyncDisposable {
  readonly #budget: MemoryBudget;
  readonly #file: SpoolFile;
  readonly #slabs: Buffer[] = [];
  #inMemory = true;
  /** The end of the file part that is not written yet; written when it is full and more comes. */
  #tail = Buffer.alloc(0);
  #tailLength = 0;
  #size = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** Appends that have not ended. */
  #underWay = 0;

  /** @param directory where the temporary file is made if one is needed. */
  constructor(budget: MemoryBudget, directory: string) {
    this.#budget = budget;
    this.#file = new SpoolFile(directory);
  }

  /** Bytes put aside so far. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of them that are, or will be, in the temporary file. */
  get sizeOnDisk(): number {
    return this.#size - this.#memorySize;
  }

  get #memorySize(): number {
    return this.#inMemory ? this.#size : this.#slabs.length * slabSize;
  }

  /**
   * Puts all of the content aside. Appends wait for one another.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`; and what the content throws.
   */
  append(content: Content): Promise<Extent> {
    this.#underWay += 1;
    const extent = this.#turn.then(async () => {
      try {
        const offset = this.#size;
        for await (const chunk of content) await this.#write(chunk);
        return { offset, size: this.#size - offset };
      } finally {
        this.#underWay -= 1;
      }
    });
    this.#turn = extent.catch(() => {});
    return extent;
  }

  /** Puts bytes aside where that needs no waiting; gives `undefined`, and does nothing, where it does. */
  appendAtOnce(bytes: Uint8Array): Extent | undefined {
    if (this.#underWay > 0) return undefined;
    const { byteLength: size } = bytes;
    const offset = this.#size;
    if (this.#inMemory) {
      const slab = this.#slabs[Math.floor(offset / slabSize)];
      if (slab === undefined || (offset % slabSize) + size > slabSize) return undefined;
      slab.set(bytes, offset % slabSize);
    } else {
      if (this.#tailLength + size > this.#tail.byteLength) return undefined;
      this.#tail.set(bytes, this.#tailLength);
      this.#tailLength += size;
    }
    this.#size += size;
    return { offset, size };
  }

  /**
   * The content of an extent in one piece, where that needs no waiting; `undefined` where it does. The bytes may change
   * with the next append.
   */
  readAtOnce({ offset, size }: Extent): Uint8Array | undefined {
    const chunk = this.#memoryAt(offset) ?? this.#file.known(offset - this.#memorySize);
    return chunk !== undefined && chunk.byteLength >= size ? chunk.subarray(0, size) : undefined;
  }

  /** The content of an extent. */
  async *read(extent: Extent): AsyncGenerator<Uint8Array> {
    const end = extent.offset + extent.size;
    let position = extent.offset;
    while (position < end) {
      const chunk = this.#memoryAt(position) ?? (await this.#file.read(position - this.#memorySize));
      const part = chunk.subarray(0, Math.min(chunk.byteLength, end - position));
      position += part.byteLength;
      yield part;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.#budget.giveBack(this.#slabs.length * slabSize);
    this.#slabs.length = 0;
    await this.#file.close();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      const slab = this.#inMemory ? this.#slabWithRoom() : undefined;
      const taken = slab === undefined ? await this.#writeToTail(rest) : this.#writeToSlab(slab, rest);
      this.#size += taken;
      rest = rest.subarray(taken);
    }
  }

  #slabWithRoom(): Buffer | undefined {
    const index = Math.floor(this.#size / slabSize);
    if (index === this.#slabs.length) {
      if (!this.#budget.take(slabSize)) {
        this.#inMemory = false;
        return undefined;
      }
      this.#slabs.push(Buffer.allocUnsafeSlow(slabSize));
    }
    return this.#slabs[index];
  }

  #writeToSlab(slab: Buffer, bytes: Uint8Array): number {
    const at = this.#size % slabSize;
    const taken = Math.min(bytes.byteLength, slabSize - at);
    slab.set(bytes.subarray(0, taken), at);
    return taken;
  }

  async #writeToTail(bytes: Uint8Array): Promise<number> {
    if (this.#tail.byteLength === 0) this.#tail = Buffer.allocUnsafeSlow(slabSize);
    if (this.#tailLength === slabSize) await this.#flush();
    const taken = Math.min(bytes.byteLength, slabSize - this.#tailLength);
    this.#tail.set(bytes.subarray(0, taken), this.#tailLength);
    this.#tailLength += taken;
    return taken;
  }

  /** Writes the tail to the file; on failure it is as before. */
  async #flush(): Promise<void> {
    await this.#file.append(this.#tail.subarray(0, this.#tailLength));
    this.#tailLength = 0;
  }

  #memoryAt(position: number): Buffer | undefined {
    const memorySize = this.#memorySize;
    if (position >= memorySize) {
      const tailStart = this.#size - this.#tailLength;
      return position < tailStart ? undefined : this.#tail.subarray(position - tailStart, this.#tailLength);
    }
    const slab = this.#slabs[Math.floor(position / slabSize)];
    return slab?.subarray(
      position % slabSize,
      Math.min(slabSize, (position % slabSize) + memorySize - position),
    );
  }
}
