import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { temporaryName } from "../../io/temporary-name.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { JoinedFiles, type OpenPart, unlimited } from "./joined-files.ts";
import { maxParts } from "./part-list.ts";
import { publishFile, publishParts } from "./publish-archive.ts";

/** How an {@link ArchiveDraft} is made. */
export interface ArchiveDraftOptions {
  /** `false` for a file that is never to appear: it is gone whatever ends the process. Default `true`. */
  readonly hasName?: boolean;
  /** Bytes of each part. Default: it is in one file. */
  readonly partSize?: number | undefined;
}

/**
 * A file, or several as the parts of one, written in any order under temporary names, and then appearing whole under the
 * real ones or leaving nothing. What was written can be read all the while, also after it has appeared.
 */
export class ArchiveDraft {
  readonly #partSize: number | undefined;
  readonly #files: JoinedFiles;
  /** Parts that are there under their temporary names, by index. */
  readonly #named = new Map<number, string>();

  private constructor(directory: string, { hasName = true, partSize }: ArchiveDraftOptions) {
    this.#partSize = partSize;
    this.#files = new JoinedFiles(partSize ?? unlimited, async (index) => {
      if (index >= maxParts) throw tooManyParts();
      const path = join(directory, temporaryName("archive"));
      const handle = await open(path, "wx+", 0o644).catch((cause: unknown) => {
        throw cannotWrite(directory, cause);
      });
      if (hasName) this.#named.set(index, path);
      else await rm(path);
      return { path, handle };
    });
  }

  /**
   * @param directory where it is to appear, or, without a name, any that has room.
   * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
   */
  static async create(directory: string, options: ArchiveDraftOptions = {}): Promise<ArchiveDraft> {
    const draft = new ArchiveDraft(directory, options);
    await draft.#files.part(0);
    return draft;
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
      this.#named.clear();
    } catch (cause) {
      if (call.signal.aborted) throw cause;
      throw localError(cause, `cannot write ${path}`);
    }
  }

  /** Releases the files, and removes them unless they have been published. */
  async discard(): Promise<void> {
    await this.#files.close();
    for (const path of this.#named.values()) await rm(path, { force: true });
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

function cannotWrite(directory: string, cause: unknown): ComposeImageError {
  return localError(cause, `cannot write an archive in ${directory}`, {
    hint: "Check that the directory is there and may be written to.",
  });
}

function tooManyParts(): ComposeImageError {
  return new ComposeImageError("LIMIT_EXCEEDED", `the archive would have more than ${maxParts} parts`, {
    hint: "Make the parts larger.",
  });
}
