import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import type { Content } from "../../io/content.ts";
import type { ByteString } from "../../tar/byte-string.ts";
import type { FileIdentity } from "./local-entry.ts";
import { openFault, sourceChanged } from "./source-fault.ts";

/** Neither symlinks are followed, nor is a FIFO waited for that has come in a file's place. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Larger files come in chunks of so many bytes. */
const smallFile = 64 * 1024;
const chunkSize = 256 * 1024;

/** Of so many small files one is read without blocking, so that all else gets its turn. */
const readsInARow = 64;

const columns = 4;
const blockRows = 1024;

/**
 * The regular files of a listed directory, by numbers: where each lies and what it was when it was listed. Tens of bytes
 * a file, since there may be millions. What is read later is that file, unchanged, or an error.
 */
export class LocalFiles {
  readonly #root: string;
  readonly #directories: ByteString[] = [];
  readonly #names: ByteString[] = [];
  /** Of each file, a position in `#directories`. */
  readonly #places: number[] = [];
  /** Device, inode, mtime and ctime of each file, a thousand files a block. */
  readonly #identities: BigInt64Array[] = [];
  #reads = 0;
  readonly #piece = Buffer.allocUnsafeSlow(smallFile + 1);

  /** @param root absolute path of the directory, without symlinks. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Takes a file in.
   *
   * @param directory path below the root.
   * @returns its number.
   */
  add(directory: ByteString, name: ByteString, identity: FileIdentity): number {
    if (this.#directories.at(-1) !== directory) this.#directories.push(directory);
    const number = this.#names.push(name) - 1;
    this.#places.push(this.#directories.length - 1);
    if (number % blockRows === 0) this.#identities.push(new BigInt64Array(blockRows * columns));
    const { device, inode, mtime, ctime } = identity;
    this.#identities.at(-1)?.set([device, inode, mtime, ctime], (number % blockRows) * columns);
    return number;
  }

  /**
   * The content of a file; in one piece, good until the next is asked for, where it is small.
   *
   * @param size bytes it had when it was listed.
   * @throws ComposeImageError `SOURCE_CHANGED` when it is not what it was, before or after; `LOCAL_IO`.
   */
  read(number: number, size: number): Content | Uint8Array {
    this.#reads += 1;
    return size > smallFile || this.#reads % readsInARow === 0
      ? this.#chunks(number, size)
      : this.#atOnce(number, size);
  }

  #atOnce(number: number, size: number): Uint8Array {
    const path = this.#pathOf(number);
    let file: number;
    try {
      file = openSync(path, readFlags);
    } catch (error) {
      throw openFault(path.toString(), error);
    }
    try {
      this.#expectSame(number, size, fstatSync(file, { bigint: true }));
      let length = 0;
      for (let read = -1; read !== 0 && length <= size; length += read)
        read = readSync(file, this.#piece, length, size + 1 - length, length);
      if (length !== size) throw sourceChanged(path.toString());
      this.#expectSame(number, size, fstatSync(file, { bigint: true }));
    } catch (error) {
      throw openFault(path.toString(), error);
    } finally {
      closeSync(file);
    }
    return this.#piece.subarray(0, size);
  }

  async *#chunks(number: number, size: number): AsyncGenerator<Uint8Array> {
    const path = this.#pathOf(number);
    const handle = await open(path, readFlags).catch((error: unknown) => {
      throw openFault(path.toString(), error);
    });
    try {
      this.#expectSame(number, size, await handle.stat({ bigint: true }));
      for (let left = size; left > 0; ) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(chunkSize, left));
        const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength);
        if (bytesRead === 0) throw sourceChanged(path.toString());
        left -= bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
      this.#expectSame(number, size, await handle.stat({ bigint: true }));
    } catch (error) {
      throw openFault(path.toString(), error);
    } finally {
      await handle.close();
    }
  }

  #expectSame(number: number, size: number, stats: BigIntStats): void {
    const row = this.#identities[Math.floor(number / blockRows)];
    const at = (number % blockRows) * columns;
    const isSame =
      stats.dev === row?.[at] &&
      stats.ino === row[at + 1] &&
      stats.mtimeNs === row[at + 2] &&
      stats.ctimeNs === row[at + 3] &&
      stats.size === BigInt(size);
    if (!isSame) throw sourceChanged(this.#pathOf(number).toString());
  }

  #pathOf(number: number): Buffer {
    const directory = this.#directories[this.#places[number] ?? 0] ?? "";
    const below = `${directory === "" ? "" : `${directory}/`}${this.#names[number] ?? ""}`;
    const root = this.#root.endsWith("/") ? this.#root : `${this.#root}/`;
    return Buffer.concat([Buffer.from(root), Buffer.from(below, "latin1")]);
  }
}
