import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { temporaryName } from "../../io/temporary-name.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { cannotWriteIn } from "./archive-fault.ts";
import type { PlacedBlob } from "./draft-journal.ts";
import type { DraftResumption } from "./draft-resumption.ts";
import { JoinedFiles, type OpenPart, unlimited } from "./joined-files.ts";
import { maxParts } from "./part-list.ts";
import { publishFile, publishParts } from "./publish-archive.ts";

/** How an {@link ArchiveDraft} is made. */
export interface ArchiveDraftOptions {
  /** `false` for a file that is never to appear: it is gone whatever ends the process. Default `true`. */
  readonly hasName?: boolean;
  /** Bytes of each part. Default: it is in one file. */
  readonly partSize?: number | undefined;
  /** Makes it one that another run can go on with. */
  readonly resumption?: DraftResumption | undefined;
}

/**
 * A file, or several as the parts of one, written in any order under temporary names, and then appearing whole under the
 * real ones or leaving nothing, or else what another run goes on with. What was written can be read all the while, also
 * after it has appeared.
 */
export class ArchiveDraft {
  readonly #partSize: number | undefined;
  readonly #files: JoinedFiles;
  readonly #resumption: DraftResumption | undefined;
  /** Parts that are there under their temporary names, by index. */
  readonly #named = new Map<number, string>();
  #isPublished = false;

  private constructor(directory: string, { hasName = true, partSize, resumption }: ArchiveDraftOptions) {
    this.#partSize = partSize;
    this.#resumption = resumption;
    this.#files = new JoinedFiles(partSize ?? unlimited, async (index) => {
      if (index >= maxParts) throw tooManyParts();
      try {
        const part = await (resumption?.openPart(index) ?? newPart(directory));
        if (hasName) this.#named.set(index, part.path);
        else await rm(part.path);
        return part;
      } catch (cause) {
        throw cannotWriteIn(directory, cause);
      }
    });
  }

  /**
   * @param directory where it is to appear, or, without a name, any that has room.
   * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
   */
  static async create(directory: string, options: ArchiveDraftOptions = {}): Promise<ArchiveDraft> {
    const draft = new ArchiveDraft(directory, options);
    try {
      await draft.#files.part(0);
      return draft;
    } catch (error) {
      await draft.leave();
      throw error;
    }
  }

  /** What an earlier run has left in it, **not verified**, in the order of the places. */
  get found(): readonly PlacedBlob[] {
    return this.#resumption?.found ?? [];
  }

  /** Says where a blob is going to be, for whoever goes on with the draft. */
  place(blob: Omit<PlacedBlob, "written">): void {
    this.#resumption?.place(blob);
  }

  /**
   * Says how many bytes of the blob at `start` are written, for whoever goes on with the draft.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async note(start: number, written: number): Promise<void> {
    await this.#resumption?.note(start, written);
  }

  /** @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`; `LIMIT_EXCEEDED` for too many parts. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.#files.write(bytes, position);
  }

  /** The bytes from `start` to `end`, which have been written. */
  read(start: number, end: number, call: Call): Content {
    return this.#files.read({ start, end }, call);
  }

  /**
   * Gives the file, or the parts and their list, the real names, durably, replacing what was there.
   *
   * @param size how many bytes it has.
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async publish(path: string, size: number, call: Call): Promise<void> {
    try {
      const parts = await this.#trim(size);
      if (this.#partSize === undefined) await publishFile(parts[0]?.path ?? "", path, call);
      else await publishParts(parts, path, call);
    } catch (cause) {
      if (call.signal.aborted) throw cause;
      throw localError(cause, `cannot write ${path}`);
    }
    this.#named.clear();
    this.#isPublished = true;
    await this.#resumption?.remove().catch(() => {});
  }

  /**
   * Releases the files. Unless they have been published, they are left to another run, where that is worth it, or removed.
   *
   * @returns whether anything was left.
   */
  async leave(): Promise<boolean> {
    if (this.#isPublished || this.#resumption?.isWorthKeeping !== true) {
      await this.discard();
      return false;
    }
    await this.#files.close();
    await this.#resumption.disown();
    return true;
  }

  /** Releases the files, and removes them unless they have been published. */
  async discard(): Promise<void> {
    await this.#files.close();
    for (const path of this.#named.values()) await rm(path, { force: true });
    if (!this.#isPublished) await this.#resumption?.remove();
  }

  /** Makes the parts as long as they are to be, and gives them, on the disk. */
  async #trim(size: number): Promise<OpenPart[]> {
    const partSize = this.#partSize ?? unlimited;
    const parts: OpenPart[] = [];
    for (let start = 0; start < size; start += partSize) {
      const part = await this.#files.part(parts.length);
      await part.handle.truncate(Math.min(partSize, size - start));
      await part.handle.sync();
      parts.push(part);
    }
    for (const [index, path] of [...this.#named]) {
      if (index < parts.length) continue;
      await rm(path, { force: true });
      this.#named.delete(index);
    }
    return parts;
  }
}

async function newPart(directory: string): Promise<OpenPart> {
  const path = join(directory, temporaryName("archive"));
  return { path, handle: await open(path, "wx+", 0o644) };
}

function tooManyParts(): ComposeImageError {
  return new ComposeImageError("LIMIT_EXCEEDED", `the archive would have more than ${maxParts} parts`, {
    hint: "Make the parts larger.",
  });
}
