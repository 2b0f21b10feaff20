import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { bodyPadding } from "../../tar/writer.ts";
import { leastResumed } from "../layout/partial-blob.ts";
import type { ArchiveDraft } from "./archive-draft.ts";
import { contentStart, type Slot } from "./archive-slot.ts";

/** How many bytes of a blob are written before the draft notes it: what may have to be fetched again after `kill -9`. */
const noteStep = 1024 * 1024;

/** A blob to write, and where it comes from. */
export interface BlobToWrite {
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  /** For messages. */
  readonly subject: string;
}

/**
 * Writes a blob at its place. What an earlier run or an earlier try has written is gone on with, and digested with the rest;
 * where that does not fit, all is fetched, once.
 *
 * @throws ComposeImageError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DISK_FULL`, `LOCAL_IO`, and what the content throws.
 */
export async function fillSlot(
  draft: ArchiveDraft,
  slot: Slot,
  blob: BlobToWrite,
  call: Call,
): Promise<void> {
  const isPart = slot.written < slot.size;
  if (isPart && (blob.open.from === undefined || slot.size < leastResumed)) slot.written = 0;
  const kept = slot.written;
  try {
    await completeSlot(draft, slot, blob, call);
  } catch (error) {
    if (kept === 0 || !isDamage(error)) throw error;
    await completeSlot(draft, slot, blob, call);
  }
}

async function completeSlot(draft: ArchiveDraft, slot: Slot, blob: BlobToWrite, call: Call): Promise<void> {
  const start = contentStart(slot);
  const kept = slot.written;
  let [seen, noted] = [0, kept];
  await draft.write(slot.header, slot.start);
  try {
    const content = foundAndRest(draft, slot, blob.open, call);
    for await (const chunk of verify(content, blob.descriptor, blob.subject)) {
      call.signal.throwIfAborted();
      if (seen >= kept) {
        await draft.write(chunk, start + seen);
        slot.written = seen + chunk.byteLength;
      }
      seen += chunk.byteLength;
      if (slot.written - noted >= noteStep) {
        await draft.note(start, slot.written);
        noted = slot.written;
      }
    }
    call.signal.throwIfAborted();
    await draft.write(bodyPadding(slot.size), start + slot.size);
    await draft.note(start, slot.size);
  } catch (error) {
    if (isDamage(error)) slot.written = 0;
    await draft.note(start, slot.written).catch(() => {});
    throw error;
  }
  slot.isComplete = true;
}

async function* foundAndRest(
  draft: ArchiveDraft,
  slot: Slot,
  open: OpenContent,
  call: Call,
): Content & AsyncGenerator<Uint8Array> {
  const { written: kept, size } = slot;
  const start = contentStart(slot);
  if (kept > 0) yield* draft.read(start, start + kept, call);
  if (kept === 0) yield* await open(call);
  else if (kept < size && open.from !== undefined) yield* await open.from(kept, call);
}

/** Whether what was fetched, or found, is not what it should be, or cannot be read. */
function isDamage(error: unknown): boolean {
  const codes = ["DIGEST_MISMATCH", "SIZE_MISMATCH", "LOCAL_IO"];
  return error instanceof ComposeImageError && codes.includes(error.code);
}
