import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { localError } from "../../io/local-error.ts";
import { type Digest, isDigest } from "../../model/digest.ts";
import { isJsonObject, type JsonObject, jsonOf } from "../../model/json.ts";

/** A blob's place in a draft. */
export interface PlacedBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Bytes of the archive before its content. */
  readonly start: number;
  /** How many bytes of the content are there, from its first on. */
  readonly written: number;
}

/** What a journal says. */
export interface JournalRecords {
  readonly partSize: number | undefined;
  /** In the order of their places. */
  readonly blobs: readonly PlacedBlob[];
}

/** Largest journal that is read, in bytes: a line for every MiB of a terabyte. */
export const maxJournalSize = 64 * 1024 * 1024;

const format = 1;

/**
 * What is where in a draft, and how much of it: one line of JSON each, only ever appended. The first has the format and the
 * size of the parts, others a blob's place, or how far the blob at a place is written.
 */
export class DraftJournal {
  readonly #path: string;
  readonly #handle: FileHandle;
  #queue: Promise<unknown> = Promise.resolve();
  #failure: { readonly cause: unknown } | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** @throws the system's errors. */
  static async create(path: string, partSize: number | undefined): Promise<DraftJournal> {
    const journal = new DraftJournal(path, await open(path, "ax", 0o600));
    journal.#append({ format, partSize: partSize ?? null });
    return journal;
  }

  /** Goes on with one; its last line may be torn. */
  static async reopen(path: string): Promise<DraftJournal> {
    const { O_APPEND, O_NOFOLLOW, O_WRONLY } = constants;
    const journal = new DraftJournal(path, await open(path, O_WRONLY | O_APPEND | O_NOFOLLOW));
    journal.#write("\n");
    return journal;
  }

  place({ digest, size, start }: Omit<PlacedBlob, "written">): void {
    this.#append({ start, size, digest });
  }

  /** Says how many bytes of the content that begins at `start` are there. */
  wrote(start: number, written: number): void {
    this.#append({ start, written });
  }

  /**
   * Waits until all is written.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async settled(): Promise<void> {
    await this.#queue;
    if (this.#failure !== undefined) throw localError(this.#failure.cause, `cannot write ${this.#path}`);
  }

  /** Does nothing a second time. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#handle.close();
  }

  #append(record: JsonObject): void {
    this.#write(`${JSON.stringify(record)}\n`);
  }

  #write(text: string): void {
    this.#queue = this.#queue
      .then(() => (this.#failure === undefined ? this.#handle.appendFile(text) : undefined))
      .catch((cause: unknown) => {
        this.#failure = { cause };
      });
  }
}

/**
 * Reads a journal; `undefined` for one of another format. Lines that make no sense, as one that was torn, are passed over.
 */
export function parseJournal(text: string): JournalRecords | undefined {
  const [head, ...lines] = text.split("\n").map(parseLine);
  if (head?.format !== format) return undefined;
  const { partSize } = head;
  if (partSize !== null && !isCount(partSize)) return undefined;
  const blobs = new Map<number, PlacedBlob>();
  for (const { start, size, digest, written } of lines) {
    if (!isCount(start)) continue;
    const known = blobs.get(start);
    if (isCount(size) && isDigest(digest)) blobs.set(start, { start, size, digest, written: 0 });
    else if (known !== undefined && isCount(written) && written <= known.size) {
      blobs.set(start, { ...known, written });
    }
  }
  const sorted = [...blobs.values()].sort((a, b) => a.start - b.start);
  return { partSize: partSize ?? undefined, blobs: sorted };
}

function parseLine(line: string): JsonObject {
  const value = jsonOf(line);
  return isJsonObject(value) ? value : {};
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
