import { lstat, lutimes, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { makeDirectory } from "../../io/make-directory.ts";
import { readFileContent } from "../layout/file-content.ts";
import { TemporaryFile } from "../layout/temporary-file.ts";
import { sweep } from "./sweep.ts";
import { whyNotOwn } from "./trust.ts";

/** Options of a {@link FileCache}. */
export interface FileCacheOptions {
  /** Most bytes of one entry; a larger one is not kept. Default 32 MiB. */
  readonly maxEntrySize?: number | undefined;
  /** Most bytes of all entries; those used longest ago go first. Default 256 MiB. */
  readonly maxSize?: number | undefined;
  /** Told once why entries are not used or not kept. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/** Names of entries: the cache removes no other file but its own temporary ones. */
const entryName = /^[a-z0-9]+-[0-9a-f]+\.v[0-9]+$/;

/**
 * Files in a directory that are worth keeping and may be lost at any time. Several processes may use it at once: an
 * entry appears whole, and the last one written counts. Nothing here fails: what cannot be read is not there, what
 * cannot be written is not kept.
 *
 * An entry is only as good as whoever could write it. So the directory is made for this user alone, and one that
 * belongs to somebody else, or that others may write to, is not used. What damage does to an entry is the reader's to
 * notice.
 */
export class FileCache {
  readonly #directory: string;
  readonly #maxEntrySize: number;
  readonly #maxSize: number;
  readonly #onNote: (message: string) => void;
  /** Whether the directory has been found to be this user's own. */
  #isOwn = false;
  #isUsed = true;
  #isKept = true;
  /** Bytes of all entries, as far as is known. */
  #size: number | undefined;

  /** @param directory made, private, when something is to be kept. */
  constructor(directory: string, options: FileCacheOptions = {}) {
    this.#directory = directory;
    this.#maxEntrySize = options.maxEntrySize ?? 32 * 1024 * 1024;
    this.#maxSize = options.maxSize ?? 256 * 1024 * 1024;
    this.#onNote = options.onNote ?? (() => {});
  }

  /** Where the entries are, for messages. */
  get directory(): string {
    return this.#directory;
  }

  /** Whether there is an entry of this name. */
  async has(name: string): Promise<boolean> {
    if (!this.#isUsed || !(await this.#isThere())) return false;
    const found = await lstat(this.#path(name)).catch(() => undefined);
    return found?.isFile() === true && whyNotOwn(found) === undefined;
  }

  /**
   * An entry's bytes, **not verified**, and a note that it was used; `undefined` where there is none.
   *
   * @throws ComposeImageError `LOCAL_IO` while reading, also when the entry goes away.
   */
  async open(name: string, call: Call): Promise<Content | undefined> {
    if (!(await this.has(name))) return undefined;
    const path = this.#path(name);
    const now = new Date();
    await lutimes(path, now, now).catch(() => {});
    return readFileContent(path, { noFollow: true, chunkSize: 256 * 1024 }, call);
  }

  /** Removes an entry, where that can be done. */
  async discard(name: string): Promise<void> {
    await rm(this.#path(name), { force: true }).catch(() => {});
  }

  /** Begins an entry. */
  begin(): NewEntry {
    const file = new TemporaryFile(this.#directory, "entry", { mode: 0o600, durable: false });
    return new NewEntry(file, this.#maxEntrySize, {
      prepare: () => this.#prepare(),
      publish: async (name) => {
        await file.publish(this.#path(name));
        await this.#makeRoom(name, file.size);
      },
      stop: (error) => this.#stopKeeping(error),
    });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  /** Whether the directory is there and this user's own. */
  async #isThere(): Promise<boolean> {
    if (this.#isOwn) return true;
    const found = await stat(this.#directory).catch(() => undefined);
    if (!found?.isDirectory()) return false;
    const reason = whyNotOwn(found);
    if (reason === undefined) this.#isOwn = true;
    else this.#stopUsing(reason);
    return this.#isOwn;
  }

  /** Makes the directory where it is missing. `false` where nothing is to be kept. */
  async #prepare(): Promise<boolean> {
    if (!this.#isKept || !this.#isUsed) return false;
    if (await this.#isThere()) return true;
    try {
      await makeDirectory(this.#directory, 0o700);
    } catch (error) {
      this.#stopKeeping(localError(error, `cannot make ${this.#directory}`));
      return false;
    }
    if (await this.#isThere()) return true;
    this.#stopKeeping(new Error(`${this.#directory} is not a directory`));
    return false;
  }

  async #makeRoom(name: string, size: number): Promise<void> {
    if (this.#size !== undefined) this.#size += size;
    if (this.#size !== undefined && this.#size <= this.#maxSize) return;
    this.#size = await sweep(this.#directory, this.#maxSize, (found) => entryName.test(found), name);
  }

  #stopUsing(reason: string): void {
    if (!this.#isUsed) return;
    this.#isUsed = false;
    this.#onNote(`${this.#directory}: ${reason}`);
  }

  #stopKeeping(error: unknown): void {
    if (!this.#isKept || !this.#isUsed) return;
    this.#isKept = false;
    this.#onNote(error instanceof Error ? error.message : String(error));
  }
}

/** What a {@link NewEntry} has its cache do. */
interface EntryOwner {
  prepare(): Promise<boolean>;
  publish(name: string): Promise<void>;
  stop(error: unknown): void;
}

/** An entry that is being written. */
export class NewEntry {
  readonly #file: TemporaryFile;
  readonly #maxSize: number;
  readonly #owner: EntryOwner;
  #state: "new" | "open" | "over" = "new";

  constructor(file: TemporaryFile, maxSize: number, owner: EntryOwner) {
    this.#file = file;
    this.#maxSize = maxSize;
    this.#owner = owner;
  }

  /** Adds bytes. `false` when the entry will not be kept, and there is no use in going on. */
  async append(bytes: Uint8Array): Promise<boolean> {
    if (this.#state === "new") this.#state = (await this.#owner.prepare()) ? "open" : "over";
    if (this.#state === "open" && this.#file.size + bytes.byteLength > this.#maxSize) await this.discard();
    if (this.#state === "open") await this.#attempt(() => this.#file.append(bytes));
    return this.#state === "open";
  }

  /** Makes the entry visible under its name, in place of the one before; does nothing when it will not be kept. */
  async publish(name: string): Promise<void> {
    if (this.#state !== "open") return;
    await this.#attempt(() => this.#owner.publish(name));
    this.#state = "over";
  }

  /** Leaves nothing of it. Does nothing after `publish` or a second time. */
  async discard(): Promise<void> {
    this.#state = "over";
    await this.#file.discard().catch(() => {});
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#owner.stop(error);
      await this.discard();
    }
  }
}
