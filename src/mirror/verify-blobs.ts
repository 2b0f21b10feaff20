import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { Target } from "../store/target.ts";
import { contentFault } from "./site-fault.ts";
import { mirrorAgain, type NamedBlob, type WalkRecord } from "./walk-record.ts";
import type { WalkParts } from "./walk-repository.ts";

/** Reads blobs to their last byte, each digest once, however many manifests and repositories name it. */
export class BlobVerifier {
  readonly #parts: WalkParts;
  readonly #read = new Map<Digest, Promise<ComposeImageError | undefined>>();
  #count = 0;
  #bytes = 0;

  constructor(parts: WalkParts) {
    this.#parts = parts;
  }

  /** Blobs that are sound, and their bytes. */
  get figures(): { readonly blobs: number; readonly bytes: number } {
    return { blobs: this.#count, bytes: this.#bytes };
  }

  /** Tells what is wrong with the blobs that a repository's manifests name. */
  async verify(record: WalkRecord, repository: Target, call: Call): Promise<void> {
    const verify = async (blob: NamedBlob, inner: Call): Promise<void> => {
      const fault = await this.#faultOf(blob, repository, inner);
      if (fault === undefined) return;
      const { digest } = blob.descriptor;
      const message = `${fault.message}; the manifest ${blob.by} names it`;
      const told = new ComposeImageError(fault.code, message, { hint: fault.hint ?? mirrorAgain });
      record.tell(told, { digest });
    };
    await forEachConcurrently(record.blobs.values(), this.#parts.jobs, verify, call);
  }

  async #faultOf(
    { descriptor }: NamedBlob,
    repository: Target,
    call: Call,
  ): Promise<ComposeImageError | undefined> {
    const { digest } = descriptor;
    const { slots } = this.#parts;
    const read = (): Promise<ComposeImageError | undefined> => {
      const reading = slots.run(() => this.#readAll(descriptor, repository, call), call);
      this.#read.set(digest, reading);
      return reading;
    };
    const known = this.#read.get(digest);
    if (known === undefined) return read();
    const before = await known;
    if (before?.code === "BLOB_NOT_FOUND") return read();
    if (before !== undefined) return before;
    const isThere = await slots.run(() => repository.exists(descriptor, call), call).catch(contentFault);
    if (isThere === true) return undefined;
    const message = `${repository.name}: blob ${digest} is not there, or has another size`;
    return isThere || new ComposeImageError("BLOB_NOT_FOUND", message, { hint: mirrorAgain });
  }

  async #readAll(
    descriptor: Descriptor,
    repository: Target,
    call: Call,
  ): Promise<ComposeImageError | undefined> {
    let bytes = 0;
    try {
      for await (const chunk of await repository.fetch(descriptor, call)) bytes += chunk.byteLength;
    } catch (error) {
      return contentFault(error);
    }
    this.#count += 1;
    this.#bytes += bytes;
    return undefined;
  }
}
