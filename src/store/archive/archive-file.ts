import { posix } from "node:path";
import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import type { Content, SkippableContent } from "../../io/content.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { textOfBytes } from "../../tar/byte-string.ts";
import type { TarMember } from "../../tar/member.ts";
import { readTar } from "../../tar/reader.ts";
import type { ContentExtent } from "../layout/file-content.ts";
import { expectUncompressed } from "./archive-fault.ts";
import { type ArchiveBytes, openArchiveBytes } from "./open-bytes.ts";

/** Where in an archive a member's content lies. */
export interface MemberExtent {
  /** Bytes before it. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

/** Where damage was met in a split archive. */
export interface DamagedParts {
  /** One part, or the first and the last. */
  readonly names: string;
  readonly hint: string;
}

/** Most members of an archive: some hundred images have some thousand. */
const maxMembers = 100_000;

/** Longest name that is remembered, and longest way from link to link. */
const maxNameLength = 1024;
const maxLinks = 8;

/** Bytes read at a time where only headers are looked for. */
const headChunkSize = 16 * 1024;

/**
 * A tar file, in one piece or in parts, whose members can be read in any order. Opening it goes through its headers once and reads no content;
 * what is kept of each is its name and place; of several with one name the last counts, as where it is unpacked. The file
 * stays open, so that replacing it changes nothing for its reader.
 */
export class ArchiveFile {
  /** For messages: `builder oci-archive:app.tar`. */
  readonly subject: string;
  readonly #bytes: ArchiveBytes;
  readonly #members = new Map<string, MemberExtent | { readonly link: string }>();

  private constructor(subject: string, bytes: ArchiveBytes) {
    this.subject = subject;
    this.#bytes = bytes;
  }

  /**
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is no such file; `ARCHIVE_INVALID` for what is no whole
   *   tar archive, or has not all its parts; `LIMIT_EXCEEDED` for one with too many members; `LOCAL_IO`.
   */
  static async open(path: string, subject: string, call: Call): Promise<ArchiveFile> {
    call.signal.throwIfAborted();
    const file = new ArchiveFile(subject, await openArchiveBytes(path, subject));
    try {
      await file.#indexMembers(call);
      return file;
    } catch (error) {
      await file.close();
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

  /** The bytes of a member, or an extent of them, **not verified**. */
  read(member: MemberExtent, call: Call, extent: ContentExtent = {}): Content {
    const { start = 0, end = member.size } = extent;
    const place = { ...extent, start: member.start + start, end: member.start + end };
    return this.#bytes.files.read(place, call);
  }

  /** The parts of a split archive in which the bytes lie; `undefined` where it is in one file. */
  partsOf({ start, size }: MemberExtent): DamagedParts | undefined {
    const { files, hint, parts } = this.#bytes;
    if (hint === undefined) return undefined;
    const [first, last] = [start, start + Math.max(0, size - 1)].map(
      (position) => parts[Math.min(files.indexOf(position), parts.length - 1)],
    );
    return { names: first === last ? `${first}` : `${first} to ${last}`, hint };
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
    await this.#bytes.files.close();
  }

  async #indexMembers(call: Call): Promise<void> {
    const { subject } = this;
    const head: Uint8Array[] = [];
    for await (const chunk of this.read({ start: 0, size: Math.min(6, this.#bytes.size) }, call))
      head.push(chunk);
    expectUncompressed(Buffer.concat(head), subject);
    let next = 0;
    try {
      for await (const member of readTar(this.#heads(call), subject)) {
        if (this.#members.size >= maxMembers) {
          throw new ComposeImageError("LIMIT_EXCEEDED", `${subject} has more than ${maxMembers} members`, {
            hint: "An image archive has a few files for each image; is this one?",
          });
        }
        this.#add(member);
        next = (member.contentOffset ?? next) + member.header.size;
      }
    } catch (error) {
      if (!(error instanceof ComposeImageError) || !/^LAYER_/.test(error.code)) throw error;
      const damaged = this.partsOf({ start: next, size: 0 });
      const where = damaged === undefined ? "" : `; it is in ${damaged.names}, or a part before it was cut`;
      throw new ComposeImageError("ARCHIVE_INVALID", `${error.message}${where}`, {
        hint:
          damaged?.hint ??
          "The file is not a whole archive of an image; write it again with the tool that made it.",
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

  /** The archive's bytes, of which those are read that nobody passes over. */
  #heads(call: Call): SkippableContent {
    let position = 0;
    const { files, size } = this.#bytes;
    return {
      skip: (count) => {
        const passed = Math.min(count, size - position);
        position += passed;
        return passed;
      },
      async *[Symbol.asyncIterator]() {
        while (position < size) {
          const end = Math.min(position + headChunkSize, size);
          for await (const chunk of files.read({ start: position, end }, call)) {
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
