import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf, localError } from "../../io/local-error.ts";
import { makeDirectory } from "../../io/make-directory.ts";
import { syncDirectory } from "../../io/sync-directory.ts";
import { type TemporaryKind, temporaryName } from "../../io/temporary-name.ts";

/** How a {@link TemporaryFile} is made. */
export interface TemporaryFileOptions {
  /** Permission bits, before the umask. Default 0644. */
  readonly mode?: number;
  /** Whether a published file is to survive a loss of power. Default `true`. */
  readonly durable?: boolean;
  /** What is in it, for its name; see `temporaryName`. */
  readonly label?: string;
}

/**
 * A file that grows under a temporary name in a directory and then either appears whole under its real name or leaves
 * nothing. It is made with the first byte, so one that never gets any costs nothing.
 */
export class TemporaryFile {
  readonly #path: string;
  readonly #mode: number;
  readonly #isDurable: boolean;
  #handle: FileHandle | undefined;
  #size = 0;

  constructor(directory: string, kind: TemporaryKind, options: TemporaryFileOptions = {}) {
    this.#path = join(directory, temporaryName(kind, options.label));
    this.#mode = options.mode ?? 0o644;
    this.#isDurable = options.durable ?? true;
  }

  /**
   * Takes over a file that an ended process left, by giving it a name of this process's: of two that try, one gets it. The
   * bytes that are there stay.
   *
   * @returns `undefined` where it is gone.
   * @throws ComposeImageError `LOCAL_IO`
   */
  static async adopt(
    path: string,
    kind: TemporaryKind,
    options: TemporaryFileOptions,
  ): Promise<TemporaryFile | undefined> {
    const file = new TemporaryFile(dirname(path), kind, options);
    try {
      await rename(path, file.#path);
      file.#handle = await open(file.#path, "r+");
      file.#size = (await file.#handle.stat()).size;
      return file;
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return undefined;
      throw localError(cause, `cannot take over ${path}`);
    }
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** Where the bytes are until they are published; nothing is there before the first byte. */
  get path(): string {
    return this.#path;
  }

  /** @throws ComposeImageError `DISK_FULL`, `LOCAL_IO` */
  async append(chunk: Uint8Array): Promise<void> {
    try {
      const handle = await this.#open();
      let written = 0;
      while (written < chunk.byteLength) {
        written += (await handle.write(chunk, written, chunk.byteLength - written, this.#size + written))
          .bytesWritten;
      }
      this.#size += chunk.byteLength;
    } catch (cause) {
      throw localError(cause, `cannot write ${this.#path}`);
    }
  }

  /**
   * Gives the bytes their real name, durably unless told otherwise, replacing what was there. Whether it works or not, the
   * temporary name is gone afterwards.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async publish(path: string): Promise<void> {
    try {
      const handle = await this.#open();
      if (this.#isDurable) await handle.sync();
      await this.#close();
      await makeDirectory(dirname(path));
      await rename(this.#path, path);
      if (this.#isDurable) await syncDirectory(dirname(path));
    } catch (cause) {
      await this.discard();
      throw localError(cause, `cannot write ${path}`);
    }
  }

  /** Leaves what was written under another name in the same directory, for whoever goes on with it. */
  async leave(name: string): Promise<void> {
    if (this.#handle === undefined) return;
    await this.#close().catch(() => {});
    await rename(this.#path, join(dirname(this.#path), name));
  }

  /** Removes the file. Does nothing after `publish` or a second time. */
  async discard(): Promise<void> {
    await this.#close().catch(() => {});
    await rm(this.#path, { force: true });
  }

  async #open(): Promise<FileHandle> {
    this.#handle ??= await open(this.#path, "wx", this.#mode);
    return this.#handle;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
