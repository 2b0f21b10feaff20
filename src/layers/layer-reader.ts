import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { Rendezvous } from "../io/rendezvous.ts";
import type { Spool } from "../io/spool.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { MemberHead } from "../tar/member.ts";
import { BodyReader, type Wants } from "./body-reader.ts";
import { DirectoryView } from "./directory-view.ts";
import type { FileNode } from "./file-node.ts";
import { ImageView } from "./image-view.ts";
import type { LayerBlob } from "./layer-blob.ts";
import { type PendingScan, ScanRound } from "./scan-round.ts";
import { askAll, UnknownPath } from "./unknown-path.ts";

/** Most times the layers are read for one question: each time, something unforeseen led elsewhere. */
const maxRounds = 64;

/** Files that questions are asked about. */
export type FilesView = ImageView | DirectoryView;

/** Files of a layer whose bodies are to be put aside, by the offsets of their headers. */
type MissingBodies = ReadonlyMap<LayerBlob, ReadonlySet<number>>;

/** What is wanted of layers. */
interface ReadingWish {
  /** Views that want their layers scanned. */
  readonly views: readonly ImageView[];
  readonly missing: MissingBodies;
}

/**
 * Reads layers for views: several at once, each blob once a round however many views share it. Where a layer's listing
 * is kept, a scan reads that in its place.
 *
 * Several who ask at the same time share a reader, and so their rounds: what one wants to be read waits until the others
 * want something, too, or have left.
 */
export class LayerReader {
  readonly #bodies: BodyReader;
  readonly #jobs: number;
  readonly #rounds: Rendezvous<ReadingWish>;
  #listing: Promise<void> = Promise.resolve();

  /**
   * @param spool takes the bodies of wanted files.
   * @param jobs most layers read at once.
   * @param askers who share it; each of them has to {@link leave}, or to stop the others when it fails.
   */
  constructor(spool: Spool, jobs: number, askers = 1) {
    this.#bodies = new BodyReader(spool);
    this.#jobs = jobs;
    this.#rounds = new Rendezvous(askers);
  }

  /** Says that one asker wants nothing any more, and waits for the others: what was put aside stays as it is from then on. */
  leave(call: Call): Promise<void> {
    return this.#rounds.leave(call);
  }

  /**
   * Asks something of views, and has layers scanned and directories listed as far as the answer needs it.
   *
   * @param question called again after each scan; it must have no effects of its own.
   * @throws ComposeImageError `LIMIT_EXCEEDED` when ever more symlinks lead elsewhere; what reading layers throws.
   */
  async ask<T>(views: readonly FilesView[], question: () => T, call: Call): Promise<T> {
    for (let round = 0; round < maxRounds; round++) {
      for (const view of views) if (view instanceof DirectoryView) await this.#list(view, call);
      const images = views.filter((view) => view instanceof ImageView);
      if (images.some((view) => view.unscanned().length > 0)) {
        await this.#want({ views: images, missing: new Map() }, call);
      }
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
    if (missing.size > 0) await this.#want({ views: [], missing }, call);
  }

  /** One after the other: a directory that several ask about is listed once. */
  #list(view: DirectoryView, call: Call): Promise<void> {
    const listed = this.#listing.then(() => view.list(call));
    this.#listing = listed.catch(() => {});
    return listed;
  }

  #want(wish: ReadingWish, call: Call): Promise<void> {
    return this.#rounds.join(
      wish,
      async (wishes, inner) => {
        await this.#scan(new Set(wishes.flatMap(({ views }) => views)), inner);
        await this.#stageMissing(
          wishes.map(({ missing: each }) => each),
          inner,
        );
      },
      call,
    );
  }

  async #stageMissing(wishes: readonly MissingBodies[], call: Call): Promise<void> {
    const missing = new Map<LayerBlob, Set<number>>();
    for (const [blob, offsets] of wishes.flatMap((wish) => [...wish])) {
      const known = missing.get(blob) ?? new Set();
      for (const offset of offsets) if (blob.bodies.get(offset) === undefined) known.add(offset);
      if (known.size > 0) missing.set(blob, known);
    }
    await forEachConcurrently(
      missing,
      this.#jobs,
      async ([blob, offsets], inner) => {
        await this.#bodies.read(blob, () => (member) => offsets.has(member.offset), inner);
      },
      call,
    );
  }

  /** Scans what the views want and no scan has told yet; upper layers first. */
  async #scan(views: Iterable<ImageView>, call: Call): Promise<void> {
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
        const isKnown =
          listing !== undefined && (await this.#bodies.readListing(blob, listing, begin(), inner));
        const hasFooter = !isKnown && (await this.#bodies.read(blob, begin, inner, listing));
        for (const scan of scans) scan.finish(hasFooter);
      },
      call,
    );
  }
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
