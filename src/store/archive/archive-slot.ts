import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { bytesOfText } from "../../tar/byte-string.ts";
import { paddingOf } from "../../tar/header-block.ts";
import { encodeHeader } from "../../tar/writer.ts";
import { blobName } from "./archive-content.ts";

/** A blob's place in the archive. */
export interface Slot {
  readonly digest: Digest;
  /** Bytes of content. */
  readonly size: number;
  readonly header: Buffer;
  /** Bytes of the archive before the header. */
  readonly start: number;
  /** How many bytes of the content are there, from its first on; none of them count before all are verified. */
  written: number;
  isComplete: boolean;
  /** Settles when the writing that is under way has ended. */
  turn: Promise<void>;
}

export function slotAt(start: number, { digest, size }: Pick<Descriptor, "digest" | "size">): Slot {
  const header = headerOf(blobName(digest), size);
  return { digest, size, header, start, written: 0, isComplete: false, turn: Promise.resolve() };
}

export function contentStart({ start, header }: Slot): number {
  return start + header.byteLength;
}

export function endOf({ start, header, size }: Slot): number {
  return start + header.byteLength + size + paddingOf(size);
}

/** Where slots end that lie one after the other from the archive's first byte on; `undefined` where they do not. */
export function endOfConsecutive(slots: readonly Slot[]): number | undefined {
  let end = 0;
  for (const slot of slots) {
    if (slot.start !== end) return undefined;
    end = endOf(slot);
  }
  return end;
}

export function bySlotStart(slots: ReadonlyMap<Digest, Slot>): Slot[] {
  return [...slots.values()].sort((a, b) => a.start - b.start);
}

export function headerOf(name: string, size: number): Buffer {
  return encodeHeader({
    path: bytesOfText(name),
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: "0",
    linkname: bytesOfText(""),
    devmajor: 0,
    devminor: 0,
    xattrs: new Map(),
  });
}
