import { decompress } from "../codec/decompress.ts";
import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { type Digest, Digester } from "../model/digest.ts";
import { readTar } from "../tar/reader.ts";
import type { FileNode } from "./file-node.ts";
import type { LayerBlob } from "./layer-blob.ts";

/** Digests of files' contents. */
export class BodyDigests {
  readonly #digests = new Map<LayerBlob, Map<number, Digest>>();

  /** The digest of a file's content; `undefined` when it was not taken. */
  get({ origin, offset }: FileNode): Digest | undefined {
    return origin && this.#digests.get(origin.blob)?.get(offset);
  }

  /** Takes over what one reading of a layer gave. */
  add(blob: LayerBlob, digests: Map<number, Digest>): void {
    this.#digests.set(blob, digests);
  }
}

/**
 * Digests the contents of files. Each layer that has some of them is read once, to its verified end; no content is put
 * aside.
 *
 * @param jobs most layers read at once.
 * @throws ComposeImageError what reading layers throws.
 */
export async function digestBodies(
  files: Iterable<FileNode>,
  jobs: number,
  call: Call,
): Promise<BodyDigests> {
  const wanted = new Map<LayerBlob, Set<number>>();
  for (const { origin, offset } of files) {
    if (origin === undefined) continue;
    const offsets = wanted.get(origin.blob) ?? new Set();
    wanted.set(origin.blob, offsets.add(offset));
  }
  const digests = new BodyDigests();
  await forEachConcurrently(
    wanted,
    jobs,
    async ([blob, offsets], inner) => digests.add(blob, await digestLayer(blob, offsets, inner)),
    call,
  );
  return digests;
}

async function digestLayer(
  blob: LayerBlob,
  offsets: ReadonlySet<number>,
  call: Call,
): Promise<Map<number, Digest>> {
  const digests = new Map<number, Digest>();
  for await (const member of readTar(decompress(await blob.open(call), blob.name), blob.name)) {
    if (!offsets.has(member.offset)) continue;
    const digester = new Digester();
    for await (const chunk of member.body()) digester.update(chunk);
    digests.set(member.offset, digester.digest());
  }
  call.signal.throwIfAborted();
  return digests;
}
