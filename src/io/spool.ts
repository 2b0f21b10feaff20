import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { ComposeImageError } from "../model/errors.ts";
import type { Content } from "./content.ts";
import { localError } from "./local-error.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** A stretch of a {@link Spool}. */
export interface Extent {
  /** Bytes from the spool's start. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

const slabSize = 1024 * 1024;

/** What a read at a new place of the file brings; reads that go on from there double, up to a slab. */
const smallestRead = 64 * 1024;

/**
 * Content put aside to be read later, in any order: one growing line of bytes whose beginning is in memory, as far as
 * the budget goes, and whose rest is in one temporary file. The file is unlinked as soon as it is open, so nothing is
 * left behind whatever happens to the process.
 */
export class Spool implements AsyncDisposable {
  readonly #budget: MemoryBudget;
  readonly #directory: string;
  readonly #slabs: Buffer[] = [];
  #inMemory = true;
  #file: FileHandle | undefined;
  /** The end of the file part that is not written yet; written when it is full and more comes. */
  #tail = Buffer.alloc(0);
  #tailLength = 0;
  #size = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** Appends that have not ended. */
  #underWay = 0;
  /** What was read from the file last: neighbours are usually wanted next. */
  #window: { offset: number; bytes: Buffer } | undefined;

  /** @param directory where the temporary file is made if one is needed. */
  constructor(budget: MemoryBudget, directory: string) {
    this.#budget = budget;
    this.#directory = directory;
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
    const chunk = this.#memoryAt(offset) ?? this.#windowAt(offset);
    return chunk !== undefined && chunk.byteLength >= size ? chunk.subarray(0, size) : undefined;
  }

  /** The content of an extent. */
  async *read(extent: Extent): AsyncGenerator<Uint8Array> {
    const end = extent.offset + extent.size;
    let position = extent.offset;
    while (position < end) {
      const chunk = this.#memoryAt(position) ?? (await this.#fileAt(position));
      const part = chunk.subarray(0, Math.min(chunk.byteLength, end - position));
      position += part.byteLength;
      yield part;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.#budget.giveBack(this.#slabs.length * slabSize);
    this.#slabs.length = 0;
    this.#window = undefined;
    await this.#file?.close();
    this.#file = undefined;
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
    try {
      this.#file ??= await openUnlinked(this.#directory);
      const bytes = this.#tail.subarray(0, this.#tailLength);
      const position = this.#size - this.#tailLength - this.#memorySize;
      let written = 0;
      while (written < bytes.byteLength) {
        written += (await this.#file.write(bytes, written, bytes.byteLength - written, position + written))
          .bytesWritten;
      }
      this.#tailLength = 0;
    } catch (cause) {
      throw localError(cause, `cannot write a temporary file in ${this.#directory}`, {
        hint: "Point TMPDIR at a place with room, or raise --memory-limit.",
      });
    }
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

  #windowAt(position: number): Buffer | undefined {
    const window = this.#window;
    if (window && position >= window.offset && position < window.offset + window.bytes.byteLength) {
      return window.bytes.subarray(position - window.offset);
    }
    return undefined;
  }

  async #fileAt(position: number): Promise<Buffer> {
    const window = this.#window;
    const known = this.#windowAt(position);
    if (known !== undefined) return known;
    if (this.#file === undefined) throw new ComposeImageError("INTERNAL", `nothing staged at ${position}`);
    const isNext = window !== undefined && position === window.offset + window.bytes.byteLength;
    const wanted = isNext ? Math.min(slabSize, 2 * window.bytes.byteLength) : smallestRead;
    const length = Math.min(wanted, this.#size - this.#tailLength - position);
    const bytes = Buffer.allocUnsafe(length);
    const reading = this.#file.read(bytes, 0, length, position - this.#memorySize);
    const { bytesRead } = await reading.catch((cause: unknown) => {
      throw localError(cause, `cannot read a temporary file in ${this.#directory}`);
    });
    if (bytesRead === 0)
      throw new ComposeImageError("LOCAL_IO", "a temporary file is shorter than what was written to it");
    this.#window = { offset: position, bytes: bytes.subarray(0, bytesRead) };
    return this.#window.bytes;
  }
}

async function openUnlinked(directory: string): Promise<FileHandle> {
  const path = join(directory, `compose-image-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
