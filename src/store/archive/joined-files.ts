import type { FileHandle } from "node:fs/promises";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { type ContentExtent, readOpenFile } from "../layout/file-content.ts";

/** A file that is open. */
export interface OpenPart {
  readonly path: string;
  readonly handle: FileHandle;
}

/** The part size of what is in one file. */
export const unlimited = Number.MAX_SAFE_INTEGER;

/** Bytes that lie in one file, or one after the other in several, all of one size but the last. */
export class JoinedFiles {
  /** Bytes of every part but the last. */
  readonly partSize: number;
  readonly #open: (index: number) => Promise<OpenPart>;
  readonly #parts = new Map<number, Promise<OpenPart>>();

  /** @param open opens a part, or makes it, when it is first needed. */
  constructor(partSize: number, open: (index: number) => Promise<OpenPart>) {
    this.partSize = partSize;
    this.#open = open;
  }

  /** The part, which stays open until all are closed. */
  part(index: number): Promise<OpenPart> {
    const known = this.#parts.get(index);
    if (known !== undefined) return known;
    const opening = this.#open(index);
    this.#parts.set(index, opening);
    opening.catch(() => this.#parts.delete(index));
    return opening;
  }

  /** The part in which a byte lies. */
  indexOf(position: number): number {
    return Math.floor(position / this.partSize);
  }

  /** The bytes from `start` to `end`, which must be there. */
  async *read(extent: ContentExtent & { readonly start: number; readonly end: number }, call: Call): Content {
    for (let position = extent.start; position < extent.end; ) {
      const index = this.indexOf(position);
      const before = index * this.partSize;
      const end = Math.min(extent.end, before + this.partSize);
      const { handle, path } = await this.part(index);
      yield* readOpenFile(handle, path, { ...extent, start: position - before, end: end - before }, call);
      position = end;
    }
  }

  /** @throws ComposeImageError `DISK_FULL`, `LOCAL_IO` */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.byteLength; ) {
      const index = this.indexOf(position + written);
      const before = index * this.partSize;
      const left = Math.min(bytes.byteLength - written, before + this.partSize - position - written);
      const { handle, path } = await this.part(index);
      try {
        written += (await handle.write(bytes, written, left, position + written - before)).bytesWritten;
      } catch (cause) {
        throw localError(cause, `cannot write ${path}`);
      }
    }
  }

  async close(): Promise<void> {
    const parts = await Promise.allSettled(this.#parts.values());
    await Promise.all(
      parts.map((part) => (part.status === "fulfilled" ? part.value.handle.close() : undefined)),
    );
  }
}
