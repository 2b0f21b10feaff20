import { constants, existsSync, lstatSync, readlinkSync } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { Call } from "../../io/call.ts";
import { errnoOf } from "../../io/local-error.ts";
import { parseTemporaryName } from "../../io/temporary-name.ts";
import { type ByteString, textOfBytes } from "../../tar/byte-string.ts";
import { type FileIdentity, identityOf, type LocalEntry, localEntry } from "./local-entry.ts";
import { openFault, sourceChanged } from "./source-fault.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** So many files are looked at in a row before anything else gets its turn. */
const batchSize = 256;

/** Where open files have paths that lead to them wherever their own paths lead by now. */
const openFiles = existsSync("/proc/self/fd") ? "/proc/self/fd" : undefined;

/**
 * A directory of this machine held open. What is in it is found through the open directory: whoever moves directories
 * or puts symlinks in their place meanwhile leads nowhere else. On systems without `/proc` it is found by its path.
 */
export class OpenDirectory {
  /** For messages. */
  readonly path: string;
  readonly #handle: FileHandle;
  /** What names are appended to. */
  readonly #prefix: Buffer;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
    this.#prefix = Buffer.from(`${openFiles === undefined ? path : `${openFiles}/${handle.fd}`}/`);
  }

  /**
   * Opens the directory at a path; symlinks in it are followed, as its user wrote it.
   *
   * @throws the system's error.
   */
  static async open(path: string): Promise<OpenDirectory> {
    return new OpenDirectory(path, await open(path, O_RDONLY | O_DIRECTORY));
  }

  /** @returns the directory's own attributes. */
  async entry(): Promise<LocalEntry> {
    return localEntry(await this.#handle.stat({ bigint: true }), "" as ByteString);
  }

  /**
   * What is in it, in bytewise order of names, symlinks not followed. Temporary files of this program are not there:
   * an image that is written into the directory meanwhile must not hold itself.
   *
   * @param isWanted asked for each name; the others are not looked at.
   * @throws ComposeImageError `LOCAL_IO`, `SOURCE_CHANGED`
   */
  async entries(
    isWanted: (name: ByteString) => boolean,
    call: Call,
  ): Promise<[name: ByteString, entry: LocalEntry][]> {
    const names: ByteString[] = [];
    try {
      for (const bytes of await readdir(this.#prefix, { encoding: "buffer" })) {
        const name = bytes.toString("latin1") as ByteString;
        if (parseTemporaryName(name) === undefined && isWanted(name)) names.push(name);
      }
    } catch (error) {
      throw openFault(this.path, error);
    }
    names.sort();
    const entries: [ByteString, LocalEntry][] = [];
    for (const [i, name] of names.entries()) {
      if (i % batchSize === 0) await setImmediate();
      call.signal.throwIfAborted();
      entries.push([name, this.#lookAt(name)]);
    }
    return entries;
  }

  /**
   * Opens a directory in it.
   *
   * @param identity what it was when it was looked at.
   * @throws ComposeImageError `LOCAL_IO`, `SOURCE_CHANGED`
   */
  async enter(name: ByteString, identity: FileIdentity): Promise<OpenDirectory> {
    const path = this.pathOf(name);
    let handle: FileHandle;
    try {
      handle = await open(this.#below(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      throw openFault(path, error);
    }
    const { device, inode } = identityOf(await handle.stat({ bigint: true }));
    if (device === identity.device && inode === identity.inode) return new OpenDirectory(path, handle);
    await handle.close();
    throw sourceChanged(path);
  }

  /** The path of a name in it, for messages. */
  pathOf(name: ByteString): string {
    return `${this.path === "/" ? "" : this.path}/${textOfBytes(name)}`;
  }

  /** Closes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #lookAt(name: ByteString): LocalEntry {
    const path = this.#below(name);
    try {
      const stats = lstatSync(path, { bigint: true });
      const target = stats.isSymbolicLink() ? readlinkSync(path, { encoding: "buffer" }) : undefined;
      return localEntry(stats, (target?.toString("latin1") ?? "") as ByteString);
    } catch (error) {
      if (errnoOf(error) === "EINVAL") throw sourceChanged(this.pathOf(name), error);
      throw openFault(this.pathOf(name), error);
    }
  }

  #below(name: ByteString): Buffer {
    return Buffer.concat([this.#prefix, Buffer.from(name, "latin1")]);
  }
}
