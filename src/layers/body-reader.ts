import { decompress } from "../codec/decompress.ts";
import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import type { Extent, Spool } from "../io/spool.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { MemberHead, TarMember } from "../tar/member.ts";
import { readTar } from "../tar/reader.ts";
import { FooterWatch } from "./estargz.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { LayerListing, ListingRecorder } from "./layer-listing.ts";
import { StagedRun } from "./staged-bodies.ts";

/** Decides about a member's body, and takes note of the member. */
export type Wants = (member: MemberHead) => Promise<boolean> | boolean;

/** Reads single layers, and puts the bodies aside that are wanted of them. */
export class BodyReader {
  readonly #spool: Spool;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /**
   * Reads a listing in its layer's place. Content that is wanted and not in it is left to the time it is asked for.
   *
   * @returns whether there was one, and it was sound.
   */
  async readListing(blob: LayerBlob, listing: LayerListing, wants: Wants, call: Call): Promise<boolean> {
    const members = await listing.members(call);
    if (members === undefined) return false;
    const staged = new StagedRun();
    try {
      for await (const member of members) {
        const decision = wants(member);
        const isWanted = typeof decision === "boolean" ? decision : await decision;
        const { offset, content } = member;
        if (!isWanted || content === undefined || blob.bodies.get(offset) !== undefined) continue;
        staged.push(offset, await this.#putAside(content));
      }
    } catch {
      call.signal.throwIfAborted();
      await listing.discard();
      return false;
    }
    call.signal.throwIfAborted();
    blob.bodies.add(staged);
    return true;
  }

  /**
   * Reads a layer to its verified end and puts bodies aside. What was damaged on the way is read once more. What makes
   * no sense counts only once the bytes are known to be the right ones.
   *
   * @param begin called at each beginning; gives what decides about a member's body.
   * @param listing where what the layer holds is to be kept.
   * @returns whether the layer ends in the footer of eStargz.
   */
  async read(blob: LayerBlob, begin: () => Wants, call: Call, listing?: LayerListing): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const recorder = listing?.record();
      const footer = new FooterWatch();
      try {
        blob.bodies.add(await this.#readOnce(blob, footer, begin(), recorder, call));
        await recorder?.keep();
        return footer.hasSeenFooter;
      } catch (error) {
        call.signal.throwIfAborted();
        if (attempt > 1 || !isDamage(error)) throw error;
      } finally {
        await recorder?.drop();
      }
    }
  }

  async #readOnce(
    blob: LayerBlob,
    footer: FooterWatch,
    wants: Wants,
    recorder: ListingRecorder | undefined,
    call: Call,
  ): Promise<StagedRun> {
    const staged = new StagedRun();
    let fault: { readonly error: unknown } | undefined;
    const packed = footer.watch(await blob.open(call));
    for await (const member of readTar(decompress(packed, blob.name), blob.name)) {
      if (fault !== undefined) continue;
      let isWanted: boolean | Promise<boolean>;
      try {
        isWanted = wants(member);
      } catch (error) {
        fault = { error };
        continue;
      }
      if (typeof isWanted !== "boolean") isWanted = await isWanted;
      let content: Buffer | undefined;
      if (recorder !== undefined) {
        const { size } = member.header;
        if (recorder.holdsContent(member)) content = await collect(member.body(), size, blob.name);
        const waiting = recorder.add(member, content);
        if (waiting !== undefined) await waiting;
      }
      if (!isWanted || blob.bodies.get(member.offset) !== undefined) continue;
      staged.push(
        member.offset,
        content === undefined
          ? (this.#putAsideAtOnce(member) ?? (await this.#spool.append(member.body())))
          : await this.#putAside(content),
      );
    }
    call.signal.throwIfAborted();
    if (fault !== undefined) throw fault.error;
    return staged;
  }

  async #putAside(content: Uint8Array): Promise<Extent> {
    return (
      this.#spool.appendAtOnce(content) ??
      (await this.#spool.append(
        (async function* () {
          yield content;
        })(),
      ))
    );
  }

  /** Small contents come many at a time: most are at hand as a whole. */
  #putAsideAtOnce(member: TarMember): Extent | undefined {
    const bytes = member.bodyAtOnce();
    return bytes === undefined ? undefined : this.#spool.appendAtOnce(bytes);
  }
}

function isDamage(error: unknown): boolean {
  return (
    error instanceof ComposeImageError && (error.code === "DIGEST_MISMATCH" || error.code === "SIZE_MISMATCH")
  );
}
