import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { syncDirectory } from "../../io/sync-directory.ts";
import { temporaryName } from "../../io/temporary-name.ts";
import { readOpenFile } from "../layout/file-content.ts";

/**
 * A file that is written in any order under a temporary name, and then appears whole under its real one or leaves
 * nothing. What was written can be read all the while, also after it has appeared.
 */
export class ArchiveDraft {
  readonly #path: string;
  readonly #handle: FileHandle;
  #hasName: boolean;

  private constructor(path: string, handle: FileHandle, hasName: boolean) {
    this.#path = path;
    this.#handle = handle;
    this.#hasName = hasName;
  }

  /**
   * @param directory where it is to appear, or, without a name, any that has room.
   * @param hasName `false` for a file that is never to appear: it is gone whatever ends the process.
   * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
   */
  static async create(directory: string, hasName: boolean): Promise<ArchiveDraft> {
    const path = join(directory, temporaryName("archive"));
    try {
      const handle = await open(path, "wx+", 0o644);
      if (!hasName) await rm(path);
      return new ArchiveDraft(path, handle, hasName);
    } catch (cause) {
      throw localError(cause, `cannot write an archive in ${directory}`, {
        hint: "Check that the directory is there and may be written to.",
      });
    }
  }

  /** @throws ComposeImageError `DISK_FULL`, `LOCAL_IO` */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let written = 0; written < bytes.byteLength; ) {
        const left = bytes.byteLength - written;
        written += (await this.#handle.write(bytes, written, left, position + written)).bytesWritten;
      }
    } catch (cause) {
      throw localError(cause, `cannot write ${this.#path}`);
    }
  }

  /** The bytes from `start` to `end`, which have been written. */
  read(start: number, end: number, call: Call): Content {
    return readOpenFile(this.#handle, this.#path, { start, end }, call);
  }

  /**
   * Gives the file its real name, durably, replacing what was there.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async publish(path: string): Promise<void> {
    try {
      await this.#handle.sync();
      await rename(this.#path, path);
      this.#hasName = false;
      await syncDirectory(dirname(path));
    } catch (cause) {
      throw localError(cause, `cannot write ${path}`);
    }
  }

  /** Releases the file, and removes it unless it has been published. */
  async discard(): Promise<void> {
    await this.#handle.close();
    if (this.#hasName) await rm(this.#path, { force: true });
  }
}
