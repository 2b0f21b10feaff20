import type { ChunkCursor } from "../io/chunk-cursor.ts";
import type { Content } from "../io/content.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { TarHeader } from "./entry.ts";
import { quotePath, truncatedTar } from "./fault.ts";
import { paddingOf } from "./header-block.ts";
import type { SparsePart } from "./sparse.ts";

/** What a member of an archive is, without its content. */
export interface MemberHead {
  readonly header: TarHeader;
  /** Bytes of the uncompressed archive before the member's first header block, extended headers included. */
  readonly offset: number;
}

/** One member of an archive that is being read. */
export interface TarMember extends MemberHead {
  /** Bytes of the archive before the content, where that lies there in one piece: not for a sparse file. */
  readonly contentOffset: number | undefined;
  /**
   * The file's content, `header.size` bytes, sparse files expanded; empty for all that are not files. May be asked for
   * once, may be left early, and ends to be readable when the next member is asked for. Chunks are parts of the
   * archive's own, often much larger: who keeps small ones copies them.
   *
   * @throws ComposeImageError while reading: `LAYER_TRUNCATED`, and whatever the archive's content throws.
   */
  body(): Content;
  /** The same in one piece, where it can be had without waiting, while {@link body} has not been asked for. */
  bodyAtOnce(): Uint8Array | undefined;
}

/** Bytes of zeros that are given out at a time. */
const zerosSize = 256 * 1024;

/** Where a member's content lies in the archive. */
export interface Extent {
  /** Bytes that the archive holds for the member and that have not been read yet. */
  readonly stored: number;
  /** Set for a sparse file: which parts of it the stored bytes are. */
  readonly parts?: readonly SparsePart[] | undefined;
}

/** The member that the cursor stands at, with the part of its content that is still unread. */
export class OpenMember implements TarMember {
  readonly header: TarHeader;
  readonly offset: number;
  readonly contentOffset: number | undefined;
  readonly #cursor: ChunkCursor;
  readonly #subject: string;
  readonly #extent: Extent;
  #unread: number;
  #state: "unread" | "reading" | "left" = "unread";

  constructor(header: TarHeader, offset: number, extent: Extent, cursor: ChunkCursor, subject: string) {
    this.header = header;
    this.offset = offset;
    this.contentOffset = extent.parts === undefined ? cursor.position : undefined;
    this.#extent = extent;
    this.#unread = extent.stored;
    this.#cursor = cursor;
    this.#subject = subject;
  }

  body(): Content {
    if (this.#state !== "unread") throw this.#misuse("was asked for twice or too late");
    this.#state = "reading";
    if (this.header.type !== "file") return this.#read(0);
    return this.#extent.parts === undefined ? this.#read(this.#unread) : this.#expand(this.#extent.parts);
  }

  bodyAtOnce(): Uint8Array | undefined {
    const { size } = this.header;
    const isAtHand = this.#extent.parts === undefined && this.#cursor.available >= size;
    return this.#state === "unread" && isAtHand ? this.#cursor.peek().subarray(0, size) : undefined;
  }

  /** Ends reading. Passes over what is unread, of which the padding may be missing at the archive's end. */
  async leave(): Promise<void> {
    this.#state = "left";
    if (this.#unread > 0) this.#unread -= await this.#cursor.skip(this.#unread);
    if (this.#unread > 0) throw this.#truncated();
    await this.#cursor.skip(paddingOf(this.#extent.stored));
  }

  /** As {@link leave}, where that needs no waiting; otherwise gives `false` and does nothing. */
  leaveAtOnce(): boolean {
    const rest = this.#unread + paddingOf(this.#extent.stored);
    if (this.#cursor.available < rest) return false;
    this.#state = "left";
    this.#cursor.advance(rest);
    return true;
  }

  async *#read(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      this.#expectReading();
      if (this.#cursor.available === 0 && !(await this.#cursor.pull())) throw this.#truncated();
      this.#expectReading();
      const chunk = this.#cursor.take(Math.min(left, this.#cursor.available));
      left -= chunk.byteLength;
      this.#unread -= chunk.byteLength;
      yield chunk;
    }
  }

  async *#expand(parts: readonly SparsePart[]): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (const { offset, length } of parts) {
      yield* zeros(offset - at);
      yield* this.#read(length);
      at = offset + length;
    }
    yield* zeros(this.header.size - at);
  }

  #expectReading(): void {
    if (this.#state !== "reading") throw this.#misuse("was read on after the next member was asked for");
  }

  #misuse(what: string): ComposeImageError {
    return new ComposeImageError(
      "INTERNAL",
      `${this.#subject}: the body of ${quotePath(this.header.path)} ${what}`,
    );
  }

  #truncated(): ComposeImageError {
    const { stored } = this.#extent;
    const got = stored - this.#unread;
    return truncatedTar(
      this.#subject,
      `inside ${quotePath(this.header.path)}: ${got} of ${stored} bytes are there`,
    );
  }
}

function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= zerosSize) yield Buffer.alloc(Math.min(left, zerosSize));
}
