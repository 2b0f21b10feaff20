import { decompress } from "../codec/decompress.ts";
import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Extent, Spool } from "../io/spool.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { MemberHead, TarMember } from "../tar/member.ts";
import { readTar } from "../tar/reader.ts";
import { DirectoryView } from "./directory-view.ts";
import { FooterWatch } from "./estargz.ts";
import type { FileNode } from "./file-node.ts";
import { ImageView } from "./image-view.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { LayerListing, ListingRecorder } from "./layer-listing.ts";
import { type PendingScan, ScanRound } from "./scan-round.ts";
import { StagedRun } from "./staged-bodies.ts";
import { askAll, UnknownPath } from "./unknown-path.ts";

/** Most times the layers are read for one question: each time, something unforeseen led elsewhere. */
const maxRounds = 64;

/** Files that questions are asked about. */
export type FilesView = ImageView | DirectoryView;

/** Decides about a member's body, and takes note of the member. */
type Wants = (member: MemberHead) => Promise<boolean> | boolean;

/**
 * Reads layers for views: several at once, each blob once a round however many views share it. Where a layer's listing
 * is kept, a scan reads that in its place.
 */
export class LayerReader {
  readonly #spool: Spool;
  readonly #jobs: number;

  /**
   * @param spool takes the bodies of wanted files.
   * @param jobs most layers read at once.
   */
  constructor(spool: Spool, jobs: number) {
    this.#spool = spool;
    this.#jobs = jobs;
  }

  /**
   * Asks something of views, and has layers scanned and directories listed as far as the answer needs it.
   *
   * @param question called again after each scan; it must have no effects of its own.
   * @throws ComposeImageError `LIMIT_EXCEEDED` when ever more symlinks lead elsewhere; what reading layers throws.
   */
  async ask<T>(views: readonly FilesView[], question: () => T, call: Call): Promise<T> {
    for (let round = 0; round < maxRounds; round++) {
      for (const view of views) if (view instanceof DirectoryView) await view.list(call);
      const images = views.filter((view) => view instanceof ImageView);
      await this.#scan(images, call);
      try {
        askAll(views, (view) => view.tree());
        return question();
      } catch (error) {
        if (!(error instanceof UnknownPath)) throw error;
      }
    }
    throw new ComposeImageError(
      "LIMIT_EXCEEDED",
      `${views.map(({ name }) => name).join(", ")}: too many symlinks lead from one to another`,
    );
  }

  /** Puts the bodies of these files aside, as far as scans have not done so. */
  async stage(files: Iterable<FileNode>, call: Call): Promise<void> {
    const missing = new Map<LayerBlob, Set<number>>();
    for (const { size, origin, offset } of files) {
      if (size === 0 || origin === undefined || origin.blob.bodies.get(offset) !== undefined) continue;
      const offsets = missing.get(origin.blob) ?? new Set();
      missing.set(origin.blob, offsets.add(offset));
    }
    await forEachConcurrently(
      missing,
      this.#jobs,
      async ([blob, offsets], inner) => {
        await this.#read(blob, () => (member) => offsets.has(member.offset), inner);
      },
      call,
    );
  }

  /** Scans what the views want and no scan has told yet; upper layers first. */
  async #scan(views: readonly ImageView[], call: Call): Promise<void> {
    const readers = new Map<LayerBlob, { readonly turn: number; readonly scans: PendingScan[] }>();
    for (const view of views) {
      const scanRound = new ScanRound(view);
      for (const position of view.unscanned()) {
        const { blob } = view.layer(position);
        const reader = readers.get(blob) ?? { turn: readers.size, scans: [] };
        reader.scans.push(scanRound.begin(position, reader.turn));
        readers.set(blob, reader);
      }
    }
    await forEachConcurrently(
      readers,
      this.#jobs,
      async ([blob, { scans }], inner) => {
        const begin = (): Wants => {
          for (const scan of scans) scan.restart();
          return (member) => wantedByAny(scans, member, inner);
        };
        const { listing } = blob;
        const isKnown = listing !== undefined && (await this.#readListing(blob, listing, begin(), inner));
        const hasFooter = !isKnown && (await this.#read(blob, begin, inner, listing));
        for (const scan of scans) scan.finish(hasFooter);
      },
      call,
    );
  }

  /**
   * Reads a listing in its layer's place. Content that is wanted and not in it is left to {@link stage}.
   *
   * @returns whether there was one, and it was sound.
   */
  async #readListing(blob: LayerBlob, listing: LayerListing, wants: Wants, call: Call): Promise<boolean> {
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
  async #read(blob: LayerBlob, begin: () => Wants, call: Call, listing?: LayerListing): Promise<boolean> {
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

/** Asks all scans, so that each takes note of the member; waits only where one has to. */
function wantedByAny(
  scans: readonly PendingScan[],
  member: MemberHead,
  call: Call,
): boolean | Promise<boolean> {
  let isWanted = false;
  const undecided: Promise<boolean>[] = [];
  for (const scan of scans) {
    const decision = scan.offer(member, call);
    if (typeof decision === "boolean") isWanted ||= decision;
    else undecided.push(decision);
  }
  if (isWanted || undecided.length === 0) return isWanted;
  return Promise.all(undecided).then((decisions) => decisions.includes(true));
}
