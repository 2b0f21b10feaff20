import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import { localError } from "../../io/local-error.ts";
import { hasEnded, ownerlessName, parseTemporaryName } from "../../io/temporary-name.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { BlobDirectory } from "./blob-directory.ts";
import { readFileContent } from "./file-content.ts";
import { TemporaryFile } from "./temporary-file.ts";

/** Smallest blob, in bytes, of which a part is kept when its transfer breaks off. */
export const leastResumed = 1024 * 1024;

/** Faults after which the part is of no use, or in the way. */
const discarding = ["DIGEST_MISMATCH", "SIZE_MISMATCH", "DISK_FULL", "LOCAL_IO"];

/**
 * Writes a blob into a layout so that a run that breaks off, even by `kill -9`, leaves what it had, and another one goes on
 * from there: the part is read again from the disk, only the rest is fetched, and the digest is of both. Where that does
 * not fit, the blob is fetched from its first byte, once. A part that a live process writes is never touched.
 *
 * @param open with `from`.
 * @throws ComposeImageError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DISK_FULL`, `LOCAL_IO`, and what the content throws.
 */
export async function writeResumable(
  layout: string,
  blobs: BlobDirectory,
  descriptor: Descriptor,
  open: OpenContent,
  subject: string,
  call: Call,
): Promise<void> {
  const label = partLabel(descriptor.digest);
  const adopted = await adoptPart(layout, label, descriptor.size);
  const publish = async (staged: TemporaryFile): Promise<void> => {
    try {
      await complete(staged, descriptor, open, subject, call);
      await staged.publish(blobs.path(descriptor.digest));
    } catch (error) {
      if (error instanceof ComposeImageError && discarding.includes(error.code)) await staged.discard();
      else await staged.leave(ownerlessName("partial", label));
      throw error;
    }
  };
  try {
    return await publish(adopted ?? new TemporaryFile(layout, "partial", { label }));
  } catch (error) {
    const isDamaged =
      error instanceof ComposeImageError && ["DIGEST_MISMATCH", "SIZE_MISMATCH"].includes(error.code);
    if (adopted === undefined || !isDamaged) throw error;
  }
  await publish(new TemporaryFile(layout, "partial", { label }));
}

async function complete(
  staged: TemporaryFile,
  descriptor: Descriptor,
  open: OpenContent,
  subject: string,
  call: Call,
): Promise<void> {
  const kept = staged.size;
  let seen = 0;
  for await (const chunk of verify(partAndRest(staged, descriptor, open, call), descriptor, subject)) {
    call.signal.throwIfAborted();
    if (seen >= kept) await staged.append(chunk);
    seen += chunk.byteLength;
  }
  call.signal.throwIfAborted();
}

async function* partAndRest(
  { path, size: kept }: TemporaryFile,
  { size }: Descriptor,
  open: OpenContent,
  call: Call,
): Content & AsyncGenerator<Uint8Array> {
  if (kept > 0) yield* readFileContent(path, { end: kept, noFollow: true }, call);
  if (kept === 0) yield* await open(call);
  else if (kept < size && open.from !== undefined) yield* await open.from(kept, call);
}

/**
 * Takes over the largest part of a blob that nobody writes; the others of ended processes are removed.
 *
 * @param label see {@link partLabel}.
 * @param limit a larger one, in bytes, is none of this blob.
 * @throws ComposeImageError `LOCAL_IO`
 */
export async function adoptPart(
  layout: string,
  label: string,
  limit: number,
): Promise<TemporaryFile | undefined> {
  const parts: { readonly path: string; readonly size: number }[] = [];
  for (const name of await namesIn(layout)) {
    const owner = parseTemporaryName(name);
    if (owner?.kind !== "partial" || owner.label !== label || (await hasEnded(owner)) !== true) continue;
    const path = join(layout, name);
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    parts.push({ path, size });
  }
  parts.sort((a, b) => b.size - a.size);
  let adopted: TemporaryFile | undefined;
  for (const { path, size } of parts) {
    if (adopted === undefined && size > 0 && size <= limit) {
      adopted = await TemporaryFile.adopt(path, "partial", { label });
    } else await rm(path, { force: true }).catch(() => {});
  }
  return adopted;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    throw localError(cause, `cannot read the directory ${directory}`);
  }
}

/** What a blob's parts have in their names. */
export function partLabel(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}`;
}
