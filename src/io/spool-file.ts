import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { ComposeImageError } from "../model/errors.ts";
import { localError } from "./local-error.ts";

/** What a read at a new place of the file brings; reads that go on from there double. */
const smallestRead = 64 * 1024;
const largestRead = 256 * 1024;

/** So many stretches are kept that were read last: several readers' places, each going its own way. */
const mostWindows = 16;

/** Zeros are left out of the file in pieces of this size: as much as file systems can leave out. */
const holeSize = 64 * 1024;
const zeros = Buffer.alloc(holeSize);

/** A stretch of the file that was read. */
interface Window {
  readonly offset: number;
  readonly bytes: Buffer;
}

/**
 * A temporary file that grows at its end and is read anywhere. It is unlinked as soon as it is open, so nothing is left
 * behind whatever happens to the process. Long runs of zeros become holes, which cost no disk.
 */
export class SpoolFile {
  readonly #directory: string;
  #file: FileHandle | undefined;
  #size = 0;
  /** The latest read last. */
  #windows: Window[] = [];

  /** @param directory where the file is made, when something is written. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Bytes written so far, holes included. */
  get size(): number {
    return this.#size;
  }

  /**
   * Writes at the end; on failure the file is as it was.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async append(bytes: Buffer): Promise<void> {
    try {
      this.#file ??= await openUnlinked(this.#directory);
      for (let start = 0; start < bytes.byteLength; ) {
        const end = endOfRun(bytes, start);
        if (!isHole(bytes, start)) await writeAll(this.#file, bytes.subarray(start, end), this.#size + start);
        else if (end === bytes.byteLength) await this.#file.truncate(this.#size + end);
        start = end;
      }
    } catch (cause) {
      throw localError(cause, `cannot write a temporary file in ${this.#directory}`, {
        hint: "Point TMPDIR at a place with room, or raise --memory-limit.",
      });
    }
    this.#size += bytes.byteLength;
  }

  /** What is known from a position on without reading. */
  known(position: number): Buffer | undefined {
    const window = this.#windows.findLast(
      ({ offset, bytes }) => position >= offset && position < offset + bytes.byteLength,
    );
    return window?.bytes.subarray(position - window.offset);
  }

  /**
   * Bytes from a position on, at least one of them.
   *
   * @throws ComposeImageError `LOCAL_IO`
   */
  async read(position: number): Promise<Buffer> {
    const known = this.known(position);
    if (known !== undefined) return known;
    if (this.#file === undefined) throw new ComposeImageError("INTERNAL", `nothing staged at ${position}`);
    const before = this.#windows.findIndex(({ offset, bytes }) => offset + bytes.byteLength === position);
    const wanted = Math.min(largestRead, 2 * (this.#windows[before]?.bytes.byteLength ?? smallestRead / 2));
    const length = Math.min(wanted, this.#size - position);
    const bytes = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#file.read(bytes, 0, length, position).catch((cause: unknown) => {
      throw localError(cause, `cannot read a temporary file in ${this.#directory}`);
    });
    if (bytesRead === 0)
      throw new ComposeImageError("LOCAL_IO", "a temporary file is shorter than what was written to it");
    if (before >= 0) this.#windows.splice(before, 1);
    else if (this.#windows.length === mostWindows) this.#windows.shift();
    const window = { offset: position, bytes: bytes.subarray(0, bytesRead) };
    this.#windows.push(window);
    return window.bytes;
  }

  async close(): Promise<void> {
    this.#windows = [];
    await this.#file?.close();
    this.#file = undefined;
  }
}

/** Whether the piece that begins here is of zeros only, as long as a piece is. */
function isHole(bytes: Buffer, start: number): boolean {
  return bytes[start] === 0 && bytes.subarray(start, start + holeSize).equals(zeros);
}

/** Where the pieces end that are like the one that begins here. */
function endOfRun(bytes: Buffer, start: number): number {
  const kind = isHole(bytes, start);
  let end = start + holeSize;
  while (end < bytes.byteLength && isHole(bytes, end) === kind) end += holeSize;
  return Math.min(end, bytes.byteLength);
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const left = bytes.byteLength - written;
    written += (await file.write(bytes, written, left, position + written)).bytesWritten;
  }
}

async function openUnlinked(directory: string): Promise<FileHandle> {
  const path = join(directory, `compose-image-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
