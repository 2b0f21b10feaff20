import { decompress } from "../codec/decompress.ts";
import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Extent, Spool } from "../io/spool.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { TarMember } from "../tar/member.ts";
import { readTar } from "../tar/reader.ts";
import type { FileNode } from "./file-node.ts";
import type { ImageView } from "./image-view.ts";
import type { LayerBlob } from "./layer-blob.ts";
import { UnknownPath } from "./merged-tree.ts";
import { type PendingScan, ScanRound } from "./scan-round.ts";

/** Most times the layers are read for one question: each time, something unforeseen led elsewhere. */
const maxRounds = 64;

/** Reads layers for views: several at once, each blob once a round however many views share it. */
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
   * Asks something of views, and has their layers scanned as far as the answer needs it.
   *
   * @param question called again after each scan; it must have no effects of its own.
   * @throws ComposeImageError `LIMIT_EXCEEDED` when ever more symlinks lead elsewhere; what reading layers throws.
   */
  async ask<T>(views: readonly ImageView[], question: () => T, call: Call): Promise<T> {
    for (let round = 0; round < maxRounds; round++) {
      await this.#scan(views, call);
      try {
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
    for (const { body } of files) {
      if (body === undefined || body.layer.bodies.has(body.offset)) continue;
      const offsets = missing.get(body.layer) ?? new Set();
      missing.set(body.layer, offsets.add(body.offset));
    }
    await forEachConcurrently(
      missing,
      this.#jobs,
      async ([blob, offsets], inner) => {
        await this.#read(blob, () => (member) => Promise.resolve(offsets.has(member.offset)), inner);
      },
      call,
    );
  }

  /** Scans what the views want and no scan has told yet; upper layers first. */
  async #scan(views: readonly ImageView[], call: Call): Promise<void> {
    const readers = new Map<LayerBlob, PendingScan[]>();
    for (const view of views) {
      const scanRound = new ScanRound(view);
      for (const position of view.unscanned()) {
        const { blob } = view.layer(position);
        const scans = readers.get(blob) ?? [];
        scans.push(scanRound.begin(position));
        readers.set(blob, scans);
      }
    }
    await forEachConcurrently(
      readers,
      this.#jobs,
      async ([blob, scans], inner) => {
        for (const scan of scans) scan.start();
        await this.#read(
          blob,
          () => {
            for (const scan of scans) scan.restart();
            return (member) => wantedByAny(scans, member, inner);
          },
          inner,
        );
        for (const scan of scans) scan.finish();
      },
      call,
    );
  }

  /**
   * Reads a layer to its verified end and puts bodies aside. When the layer makes no sense, its bytes are checked
   * first: damage on the way shows as a wrong digest, and what was damaged once is read once more.
   *
   * @param begin called at each beginning; gives what decides about a member's body.
   */
  async #read(
    blob: LayerBlob,
    begin: () => (member: TarMember) => Promise<boolean> | boolean,
    call: Call,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const wants = begin();
      const bodies = new Map<number, Extent>();
      try {
        const content = await blob.open(call);
        for await (const member of readTar(decompress(content, blob.name), blob.name)) {
          const answer = wants(member);
          const isWanted = typeof answer === "boolean" ? answer : await answer;
          if (!isWanted || blob.bodies.has(member.offset)) continue;
          bodies.set(member.offset, await this.#spool.append(member.body()));
        }
        call.signal.throwIfAborted();
        for (const [offset, extent] of bodies) blob.bodies.set(offset, extent);
        return;
      } catch (error) {
        call.signal.throwIfAborted();
        if (!isContentError(error)) throw error;
        for await (const _ of await blob.open(call)) call.signal.throwIfAborted();
        if (attempt > 1) throw error;
      }
    }
  }
}

function isContentError(error: unknown): boolean {
  return (
    error instanceof ComposeImageError && (error.code === "LAYER_INVALID" || error.code === "LAYER_TRUNCATED")
  );
}

/** Asks all scans, so that each takes note of the member; waits only where one has to. */
function wantedByAny(
  scans: readonly PendingScan[],
  member: TarMember,
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
