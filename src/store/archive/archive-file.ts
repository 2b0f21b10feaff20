import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { posix } from "node:path";
import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import type { Content, SkippableContent } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { textOfBytes } from "../../tar/byte-string.ts";
import type { TarMember } from "../../tar/member.ts";
import { readTar } from "../../tar/reader.ts";
import { readOpenFile } from "../layout/file-content.ts";
import { expectUncompressed, invalidArchive } from "./archive-fault.ts";

/** Where in an archive a member's content lies. */
export interface MemberExtent {
  /** Bytes before it. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

/** Most members of an archive: some hundred images have some thousand. */
const maxMembers = 100_000;

/** Longest name that is remembered, and longest way from link to link. */
const maxNameLength = 1024;
const maxLinks = 8;

/** Bytes read at a time where only headers are looked for. */
const headChunkSize = 16 * 1024;

/**
 * A tar file whose members can be read in any order. Opening it goes through its headers once and reads no content;
 * what is kept of each is its name and place; of several with one name the last counts, as where it is unpacked. The file
 * stays open, so that replacing it changes nothing for its reader.
 */
export class ArchiveFile {
  /** For messages: `builder oci-archive:app.tar`. */
  readonly subject: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #members = new Map<string, MemberExtent | { readonly link: string }>();

  private constructor(path: string, subject: string, handle: FileHandle) {
    this.#path = path;
    this.subject = subject;
    this.#handle = handle;
  }

  /**
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is no such file; `ARCHIVE_INVALID` for what is no whole
   *   tar archive; `LIMIT_EXCEEDED` for one with too many members; `LOCAL_IO`.
   */
  static async open(path: string, subject: string, call: Call): Promise<ArchiveFile> {
    call.signal.throwIfAborted();
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
      const error = localError(cause, `${subject} cannot be read`);
      if (!/ENOENT|ENOTDIR/.test(String(cause))) throw error;
      throw new ComposeImageError("MANIFEST_NOT_FOUND", `${subject}: there is no ${path}`, {
        hint: "Check the path; it is meant from the current directory.",
      });
    });
    const file = new ArchiveFile(path, subject, handle);
    try {
      await file.#indexMembers(call);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The place of a regular file, links followed inside the archive; `undefined` when there is none. */
  find(name: string): MemberExtent | undefined {
    let found = this.#members.get(cleanName(name));
    for (let links = 0; found !== undefined && "link" in found; links += 1) {
      if (links === maxLinks) return undefined;
      found = this.#members.get(found.link);
    }
    return found;
  }

  /** The bytes of a member, **not verified**. */
  read({ start, size }: MemberExtent, call: Call): Content {
    return readOpenFile(this.#handle, this.#path, { start, end: start + size }, call);
  }

  /**
   * All of a small member; `undefined` when there is none.
   *
   * @throws ComposeImageError `LIMIT_EXCEEDED`, `LOCAL_IO`
   */
  async readSmall(name: string, limit: number, call: Call): Promise<Buffer | undefined> {
    const extent = this.find(name);
    if (extent === undefined) return undefined;
    const subject = `${name} of ${this.subject}`;
    if (extent.size > limit) {
      throw new ComposeImageError("LIMIT_EXCEEDED", `${subject} is larger than the limit of ${limit} bytes`);
    }
    return collect(this.read(extent, call), limit, subject);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #indexMembers(call: Call): Promise<void> {
    const { subject } = this;
    const found = await this.#handle.stat();
    if (found.isDirectory()) {
      throw invalidArchive(subject, "it is a directory", "A layout directory is written oci:DIR.");
    }
    if (!found.isFile()) {
      throw invalidArchive(
        subject,
        "it is not a regular file",
        "An archive is read at random: save it to a file first.",
      );
    }
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(6), 0, 6, 0);
    expectUncompressed(buffer.subarray(0, bytesRead), subject);
    try {
      for await (const member of readTar(this.#heads(found.size, call), subject)) {
        if (this.#members.size >= maxMembers) {
          throw new ComposeImageError("LIMIT_EXCEEDED", `${subject} has more than ${maxMembers} members`, {
            hint: "An image archive has a few files for each image; is this one?",
          });
        }
        this.#add(member);
      }
    } catch (error) {
      if (!(error instanceof ComposeImageError) || !/^LAYER_/.test(error.code)) throw error;
      throw new ComposeImageError("ARCHIVE_INVALID", error.message, {
        hint: "The file is not a whole archive of an image; write it again with the tool that made it.",
        cause: error,
      });
    }
  }

  #add({ header, contentOffset }: TarMember): void {
    const { path, type, linkname, size } = header;
    if (path.length > maxNameLength || linkname.length > maxNameLength) return;
    const name = cleanName(textOfBytes(path));
    if (type === "file") {
      if (contentOffset !== undefined) this.#members.set(name, { start: contentOffset, size });
    } else if (type === "symlink") {
      this.#members.set(name, { link: cleanName(posix.join(posix.dirname(name), textOfBytes(linkname))) });
    } else if (type === "hardlink") {
      this.#members.set(name, { link: cleanName(textOfBytes(linkname)) });
    }
  }

  /** The file's bytes, of which those are read that nobody passes over. */
  #heads(size: number, call: Call): SkippableContent {
    let position = 0;
    const handle = this.#handle;
    const path = this.#path;
    return {
      skip: (count) => {
        const passed = Math.min(count, size - position);
        position += passed;
        return passed;
      },
      async *[Symbol.asyncIterator]() {
        while (position < size) {
          const end = Math.min(position + headChunkSize, size);
          for await (const chunk of readOpenFile(handle, path, { start: position, end }, call)) {
            position += chunk.byteLength;
            yield chunk;
            break;
          }
        }
      },
    };
  }
}

/** The name as the root of the archive has it: no `./`, no slash at its beginning or end. */
function cleanName(name: string): string {
  return posix.join("/", name).replace(/\/$/, "").slice(1);
}
