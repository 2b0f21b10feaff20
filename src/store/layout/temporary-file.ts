import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { localError } from "../../io/local-error.ts";
import { syncDirectory } from "../../io/sync-directory.ts";
import { type TemporaryKind, temporaryName } from "../../io/temporary-name.ts";

/**
 * A file that grows under a temporary name at a layout's top and then either appears whole under its real name or
 * leaves nothing. It is made with the first byte, so one that never gets any costs nothing.
 */
export class TemporaryFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #size = 0;

  constructor(directory: string, kind: TemporaryKind) {
    this.#path = join(directory, temporaryName(kind));
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
   * Makes the bytes durable and gives them their real name, replacing what was there. Whether it works or not, the
   * temporary name is gone afterwards.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async publish(path: string): Promise<void> {
    try {
      const handle = await this.#open();
      await handle.sync();
      await this.#close();
      await mkdir(dirname(path), { recursive: true });
      await rename(this.#path, path);
      await syncDirectory(dirname(path));
    } catch (cause) {
      await this.discard();
      throw localError(cause, `cannot write ${path}`);
    }
  }

  /** Removes the file. Does nothing after `publish` or a second time. */
  async discard(): Promise<void> {
    await this.#close().catch(() => {});
    await rm(this.#path, { force: true });
  }

  async #open(): Promise<FileHandle> {
    this.#handle ??= await open(this.#path, "wx", 0o644);
    return this.#handle;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
