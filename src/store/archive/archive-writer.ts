import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { bodyPadding, endOfArchive } from "../../tar/writer.ts";
import type { ContentExtent } from "../layout/file-content.ts";
import type { ArchiveDraft } from "./archive-draft.ts";
import {
  bySlotStart,
  contentStart,
  endOf,
  endOfConsecutive,
  headerOf,
  type Slot,
  slotAt,
} from "./archive-slot.ts";
import { fillSlot } from "./fill-slot.ts";

/** A small file of an archive that is not a blob. */
export interface ArchiveDocument {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes blobs into an archive as they come, several at a time: as each one's size is known, it has its place before its
 * first byte is there.
 */
export class ArchiveWriter {
  readonly #makeDraft: () => Promise<ArchiveDraft>;
  /** The places of blobs that an earlier run has left in the draft, until they are asked for. */
  readonly #found = new Map<Digest, Slot>();
  #slots = new Map<Digest, Slot>();
  /** Where the next slot begins. */
  #end = 0;
  #draft: ArchiveDraft;
  /** Whether the draft has its documents, and is not to be changed any more. */
  #isFinished = false;
  #reopening: Promise<void> | undefined;

  /** @param makeDraft gives the first draft, and another where blobs have to be put in order, or come later. */
  static async open(makeDraft: () => Promise<ArchiveDraft>): Promise<ArchiveWriter> {
    return new ArchiveWriter(makeDraft, await makeDraft());
  }

  private constructor(makeDraft: () => Promise<ArchiveDraft>, draft: ArchiveDraft) {
    this.#makeDraft = makeDraft;
    this.#draft = draft;
    for (const { digest, size, start, written } of draft.found) {
      const slot = { ...slotAt(0, { digest, size }), written };
      const moved = { ...slot, start: start - slot.header.byteLength };
      if (moved.start < this.#end) continue;
      this.#found.set(digest, moved);
      this.#end = endOf(moved);
    }
  }

  /** Gives blobs their places, in this order. */
  reserve(blobs: readonly Pick<Descriptor, "digest" | "size">[]): void {
    for (const blob of blobs) this.#slotOf(blob);
  }

  /** The size of a blob that is there as a whole. */
  size(digest: Digest): number | undefined {
    const slot = this.#slots.get(digest);
    return slot?.isComplete ? slot.size : undefined;
  }

  /** The digests of the blobs that are there as a whole. */
  get digests(): Digest[] {
    return [...this.#slots.values()].filter(({ isComplete }) => isComplete).map(({ digest }) => digest);
  }

  /** The bytes of a blob that is there, or an extent of them, **not verified**. */
  read(digest: Digest, call: Call, extent: ContentExtent = {}): Content {
    const slot = this.#slots.get(digest);
    const before = slot === undefined ? 0 : contentStart(slot);
    const { start = 0, end = slot?.size ?? 0 } = extent;
    return this.#draft.read(before + start, before + end, call);
  }

  /**
   * Writes a blob that has to be the descriptor's; on failure it is not there.
   *
   * @throws ComposeImageError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DISK_FULL`, `LOCAL_IO`, and what the content throws.
   */
  async write(descriptor: Descriptor, open: OpenContent, subject: string, call: Call): Promise<void> {
    await this.#reopen(call);
    const slot = this.#slotOf(descriptor);
    const before = slot.turn;
    const writing = before.then(async () => {
      if (!slot.isComplete) await fillSlot(this.#draft, slot, { descriptor, open, subject }, call);
    });
    slot.turn = writing.catch(() => {});
    await writing;
  }

  /**
   * Puts the blobs into the given order where they are not, writes the documents behind them, and ends the archive.
   *
   * @param order every complete blob.
   * @returns the finished file, and how many bytes it has.
   */
  async finish(
    order: readonly Digest[],
    documents: readonly ArchiveDocument[],
    call: Call,
  ): Promise<{ readonly draft: ArchiveDraft; readonly size: number }> {
    await this.#reopen(call);
    const slots = order.flatMap((digest) => this.#slots.get(digest) ?? []);
    const end = endOfConsecutive(slots);
    if (end === undefined) await this.#arrange(slots, call);
    let size = end ?? this.#end;
    for (const { name, bytes } of documents) {
      const member = Buffer.concat([headerOf(name, bytes.byteLength), bytes, bodyPadding(bytes.byteLength)]);
      await this.#draft.write(member, size);
      size += member.byteLength;
    }
    await this.#draft.write(endOfArchive, size);
    this.#isFinished = true;
    return { draft: this.#draft, size: size + endOfArchive.byteLength };
  }

  /**
   * Ends the writing.
   *
   * @returns whether anything was left that another run goes on with.
   */
  async close(): Promise<boolean> {
    await this.#reopening?.catch(() => {});
    await Promise.all([...this.#slots.values()].map(({ turn }) => turn));
    return this.#draft.leave();
  }

  #slotOf({ digest, size }: Pick<Descriptor, "digest" | "size">): Slot {
    const known = this.#slots.get(digest);
    if (known?.size === size) return known;
    const found = this.#found.get(digest);
    if (known === undefined && found?.size === size) {
      this.#slots.set(digest, found);
      return found;
    }
    const slot = slotAt(this.#end, { digest, size });
    // Of two sizes one is wrong, and not that of what is there.
    if (known?.isComplete !== true) this.#slots.set(digest, slot);
    this.#end = endOf(slot);
    this.#draft.place({ digest, size, start: contentStart(slot) });
    return slot;
  }

  /** What is finished is not written to: more goes to a copy. */
  async #reopen(call: Call): Promise<void> {
    if (!this.#isFinished) return;
    this.#reopening ??= this.#arrange(bySlotStart(this.#slots), call).finally(() => {
      this.#reopening = undefined;
    });
    await this.#reopening;
  }

  /** Copies blobs to another draft, in this order; those that are not complete have their places there. */
  async #arrange(slots: readonly Slot[], call: Call): Promise<void> {
    const draft = await this.#makeDraft();
    const arranged = new Map<Digest, Slot>();
    let end = 0;
    try {
      for (const slot of slots) {
        const moved = { ...slot, start: end, written: slot.isComplete ? slot.size : 0 };
        draft.place({ digest: slot.digest, size: slot.size, start: contentStart(moved) });
        let position = end;
        for await (const chunk of slot.isComplete ? this.#draft.read(slot.start, endOf(slot), call) : []) {
          await draft.write(chunk, position);
          position += chunk.byteLength;
        }
        await draft.note(contentStart(moved), moved.written);
        arranged.set(slot.digest, moved);
        end = endOf(moved);
      }
    } catch (error) {
      await draft.discard();
      throw error;
    }
    await this.#draft.discard();
    this.#draft = draft;
    this.#found.clear();
    this.#slots = arranged;
    this.#end = end;
    this.#isFinished = false;
  }
}
