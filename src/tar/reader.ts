import { ChunkCursor } from "../io/chunk-cursor.ts";
import type { Content } from "../io/content.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ByteString } from "./byte-string.ts";
import { invalidTar, oversizedTar, quotePath, type TarPlace, truncatedTar } from "./fault.ts";
import { blockSize, hasRightChecksum, isZeroBlock, paddingOf, sizeOf, typeflagOf } from "./header-block.ts";
import { type Extent, OpenMember, type TarMember } from "./member.ts";
import { globalPaxLimit, noPaxRecords, PaxGlobals, parsePaxRecords, paxLimit } from "./pax.ts";
import { type Extensions, type ResolvedHeader, resolveHeader } from "./resolve-header.ts";
import {
  checkSparseMap,
  OldGnuSparseMap,
  SparseMapText,
  type SparsePart,
  sparseMapOfRecords,
} from "./sparse.ts";

/**
 * Reads an archive member by member: v7, ustar, GNU, star and PAX, told apart header by header. Pulls no more than is
 * asked for: the next member waits until it is wanted, and what is unread of the one before is passed over. Leaving
 * early releases the content.
 *
 * The content is read to its end even when the archive ends before, and when the archive turns out to be broken: a
 * fault that the content itself reports at its end, such as a wrong digest, is then what is thrown.
 *
 * Decisions where writers or readers differ:
 *
 * - An archive may end without end mark, and without the last member's padding. After the mark anything may follow.
 * - A zero block that is followed by more than zeros is refused, as Go does: other readers stop there or go on, and so
 *   see other files.
 * - Of several extended headers before one entry the last counts, as in Go; GNU's long names win over PAX.
 * - A `size` applies to the one file after the extended header that has it, never to files after a global one.
 * - GNU volume labels (`V`) are passed over; parts of multi-volume archives (`M`, `N`) are refused.
 *
 * @param subject what the content is, for messages: `builder layer 3 of registry.example/app`.
 * @throws ComposeImageError while reading: `LAYER_INVALID` naming the offset, `LAYER_TRUNCATED` naming the entry,
 *   `LIMIT_EXCEEDED` for names and extended headers of more than 1 MiB and global ones of more than 64 KiB, and whatever
 *   the content throws.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 * @see https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
export async function* readTar(content: Content, subject: string): AsyncGenerator<TarMember> {
  const cursor = new ChunkCursor(content);
  const archive = new Archive(cursor, subject);
  try {
    for (let member = await archive.next(); member !== undefined; member = await archive.next()) yield member;
    await cursor.drain();
  } catch (error) {
    await cursor.drain();
    throw error;
  } finally {
    await cursor.close();
  }
}

/** Typeflags of headers that are about other entries. `X` is what Solaris had before POSIX had `x`. */
const extensionFlags = "xXgLKVMN";

/** Most bytes of a GNU long name. */
const longNameLimit = 1024 * 1024;

class Archive {
  readonly #cursor: ChunkCursor;
  readonly #subject: string;
  readonly #globals = new PaxGlobals();
  #member: OpenMember | undefined;

  constructor(cursor: ChunkCursor, subject: string) {
    this.#cursor = cursor;
    this.#subject = subject;
  }

  /** The next member; `undefined` at the archive's end. */
  async next(): Promise<OpenMember | undefined> {
    const cursor = this.#cursor;
    if (this.#member !== undefined && !this.#member.leaveAtOnce()) await this.#member.leave();
    const extensions: Extensions = { pax: noPaxRecords, longName: undefined, longLink: undefined };
    let start: number | undefined;
    for (;;) {
      if (cursor.available < blockSize && !(await cursor.require(blockSize))) {
        this.#expectEnd(start !== undefined);
        return undefined;
      }
      const place: TarPlace = { subject: this.#subject, offset: cursor.position };
      const block = cursor.take(blockSize);
      if (!hasRightChecksum(block)) {
        if (!isZeroBlock(block)) throw this.#notAHeader(place);
        await this.#expectEndMark(place);
        return undefined;
      }
      start ??= place.offset;
      if (extensionFlags.includes(typeflagOf(block))) {
        await this.#takeExtension(block, extensions, place);
        continue;
      }
      const resolved = resolveHeader(block, extensions, this.#globals, place);
      const extent = resolved.sparse === undefined ? resolved : await this.#locateParts(resolved, place);
      this.#member = new OpenMember(resolved.header, start, extent, cursor, this.#subject);
      return this.#member;
    }
  }

  /** Takes a header that is about others. */
  async #takeExtension(block: Buffer, extensions: Extensions, place: TarPlace): Promise<void> {
    switch (typeflagOf(block)) {
      case "g": {
        const records = parsePaxRecords(await this.#extensionBody(block, paxLimit, place), place);
        if (this.#globals.add(records) <= globalPaxLimit) return;
        throw oversizedTar(place, `global extended headers add up to more than ${globalPaxLimit} bytes`);
      }
      case "L":
        extensions.longName = untilNul(await this.#extensionBody(block, longNameLimit, place));
        return;
      case "K":
        extensions.longLink = untilNul(await this.#extensionBody(block, longNameLimit, place));
        return;
      case "V":
        return this.#skipLabel(block, place);
      case "M":
      case "N":
        throw invalidTar(place, "it goes on with a file of another volume; give the whole archive instead");
      default:
        extensions.pax = parsePaxRecords(await this.#extensionBody(block, paxLimit, place), place);
    }
  }

  async #extensionBody(block: Buffer, limit: number, place: TarPlace): Promise<Buffer> {
    const size = sizeOf(block, place);
    if (size > limit)
      throw oversizedTar(place, `an extended header of ${size} bytes; at most ${limit} are read`);
    const cursor = this.#cursor;
    if (cursor.available < size && !(await cursor.require(size))) {
      throw truncatedTar(this.#subject, `inside the extended header at byte ${place.offset}${this.#after()}`);
    }
    const body = cursor.take(size);
    await cursor.skip(paddingOf(size));
    return body;
  }

  async #skipLabel(block: Buffer, place: TarPlace): Promise<void> {
    const size = sizeOf(block, place);
    if ((await this.#cursor.skip(size)) < size) {
      throw truncatedTar(this.#subject, `inside the volume label at byte ${place.offset}${this.#after()}`);
    }
    await this.#cursor.skip(paddingOf(size));
  }

  /** Reads what of a sparse map is not in the header, and checks it. */
  async #locateParts({ header, stored, sparse }: ResolvedHeader, place: TarPlace): Promise<Extent> {
    const takeBlock = async (): Promise<Buffer> => {
      if (await this.#cursor.require(blockSize)) return this.#cursor.take(blockSize);
      throw truncatedTar(this.#subject, `inside the sparse map of ${quotePath(header.path)}`);
    };
    let left = stored;
    let parts: readonly SparsePart[] = [];
    if (sparse instanceof OldGnuSparseMap) {
      while (sparse.extended) sparse.extend(await takeBlock());
      parts = sparse.parts;
    } else if (sparse?.form === "records") {
      parts = sparseMapOfRecords(sparse.pax, place);
    } else {
      const map = new SparseMapText(place);
      do {
        left -= blockSize;
        if (left < 0) throw invalidTar(place, "the sparse map is longer than the file's content");
      } while (!map.add(await takeBlock()));
      parts = map.parts();
    }
    checkSparseMap(parts, left, header.size, place);
    return { stored: left, parts };
  }

  /** Two zero blocks end the archive; so does one at the content's end. */
  async #expectEndMark(place: TarPlace): Promise<void> {
    const complete = await this.#cursor.require(blockSize);
    if (complete ? isZeroBlock(this.#cursor.take(blockSize)) : this.#cursor.available === 0) return;
    if (!complete) throw truncatedTar(this.#subject, `inside its end mark${this.#after()}`);
    throw invalidTar(place, `a lone zero block${this.#after()}: the archive neither ends here nor goes on`);
  }

  /** Without an end mark the archive ends where a header would begin. */
  #expectEnd(extensionsPending: boolean): void {
    const { available, position } = this.#cursor;
    if (available > 0 && position === 0)
      throw this.#notATar(`it has ${available} bytes, fewer than one header`);
    if (available > 0)
      throw truncatedTar(this.#subject, `inside the header at byte ${position}${this.#after()}`);
    if (extensionsPending) {
      throw truncatedTar(this.#subject, `after an extended header, before its entry${this.#after()}`);
    }
  }

  #notAHeader(place: TarPlace): ComposeImageError {
    if (place.offset === 0) return this.#notATar("it does not begin with a tar header");
    return invalidTar(place, `the checksum is wrong${this.#after()}`);
  }

  #notATar(what: string): ComposeImageError {
    return new ComposeImageError("LAYER_INVALID", `${this.#subject}: is not a tar archive: ${what}`, {
      hint: "Layers are tar archives, plain or packed with gzip or zstd; is this an image, and not another artifact?",
    });
  }

  /** For messages: behind which entry. */
  #after(): string {
    return this.#member === undefined ? "" : `, after ${quotePath(this.#member.header.path)}`;
  }
}

/** GNU's long names end with a NUL, which the size counts. An empty one says nothing. */
function untilNul(body: Buffer): ByteString | undefined {
  const end = body.indexOf(0);
  const name = body.toString("latin1", 0, end === -1 ? body.byteLength : end) as ByteString;
  return name === "" ? undefined : name;
}
