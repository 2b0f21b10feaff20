import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { OpenContent } from "../io/content.ts";
import { Slots } from "../io/slots.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../model/manifest.ts";
import { isForeignLayerMediaType, isIndexMediaType, isManifestMediaType } from "../model/media-types.ts";
import type { ListedSource, StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import { missingChildren, refusedSparse } from "./copy-faults.ts";
import type { ManifestTurns } from "./manifest-turns.ts";
import { deliver, deliverManifest, type ImageBlob } from "./push-image.ts";
import type { SharedDeliveries } from "./shared-deliveries.ts";

/** Deepest nesting of indexes that is followed. */
const maxDepth = 8;

/** What a {@link GraphCopy} works with. */
export interface GraphCopyParts {
  readonly source: ListedSource;
  readonly target: Target;
  /** Most requests under way at once. */
  readonly jobs: number;
  /** Set where several copies share their slots, `jobs` of them. */
  readonly slots?: Slots | undefined;
  /** Set where several copies go to one place. */
  readonly deliveries?: SharedDeliveries | undefined;
  /** Set where several copies may go to one repository. */
  readonly turns?: ManifestTurns | undefined;
  /** Which of an index's manifests are brought; all of them where it is not set. */
  readonly wants?: ((child: Descriptor, siblings: readonly Descriptor[]) => boolean) | undefined;
  /** Whether what is below an index has to be known though the target has the index. */
  readonly readsIndexes: boolean;
  readonly onTransfer: TransferListener;
}

/**
 * Brings manifests with all that is below them from a source to a target: blobs first, then manifests from the bottom up,
 * each by its digest and as the very bytes they are. Moves no tag. What several images share is asked for and goes once. A
 * registry that has a manifest has all that is below it; of other targets that is looked at.
 *
 * Of manifests, only those on the way from a top down to what is under way are in memory; of everything else digests.
 */
export class GraphCopy {
  readonly #parts: GraphCopyParts;
  readonly #slots: Slots;
  readonly #stop = new AbortController();
  readonly #call: Call;
  readonly #manifests = new Map<Digest, Promise<readonly Digest[]>>();
  readonly #blobs = new Map<Digest, Promise<void>>();
  #written = 0;
  #present = 0;

  /** @param call stops all of it; a failure does the same. */
  constructor(parts: GraphCopyParts, call: Call) {
    this.#parts = parts;
    this.#slots = parts.slots ?? new Slots(parts.jobs);
    this.#call = { signal: AbortSignal.any([call.signal, this.#stop.signal]) };
  }

  /** Manifests and indexes so far. */
  get figures(): { readonly written: number; readonly present: number } {
    return { written: this.#written, present: this.#present };
  }

  /** Whether a target that has an index need not have all that the copy brings of it. */
  get isPartial(): boolean {
    return this.#parts.wants !== undefined;
  }

  /**
   * Brings a manifest or an index.
   *
   * @returns the digests of the manifests in it, itself first; of an index that the target has, only its own where those
   *   below need not be known.
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` naming what an index lacks, `MANIFEST_INVALID`, `LIMIT_EXCEEDED`, and
   *   what source and target throw.
   */
  async bring(top: Descriptor): Promise<readonly Digest[]> {
    try {
      return await this.#manifest(top, 0);
    } catch (error) {
      this.#stop.abort(error);
      await Promise.allSettled([...this.#manifests.values(), ...this.#blobs.values()]);
      throw error;
    }
  }

  #manifest(descriptor: Descriptor, depth: number): Promise<readonly Digest[]> {
    const known = this.#manifests.get(descriptor.digest);
    if (known !== undefined) return known;
    const bring = (): Promise<readonly Digest[]> => this.#bringManifest(descriptor, depth);
    const { turns, target } = this.#parts;
    const bringing = turns?.take(descriptor.digest, target, bring, this.#call) ?? bring();
    this.#manifests.set(descriptor.digest, bringing);
    return bringing;
  }

  async #bringManifest(descriptor: Descriptor, depth: number): Promise<readonly Digest[]> {
    const { source, target, onTransfer } = this.#parts;
    const readsIndexes = this.#parts.readsIndexes || this.isPartial;
    const call = this.#call;
    const { digest } = descriptor;
    const name = `source ${source.name}@${digest}`;
    if (depth > maxDepth) {
      throw new ComposeImageError("LIMIT_EXCEEDED", `${name}: indexes are nested deeper than ${maxDepth}`);
    }
    const isPresent = await this.#slots.run(() => target.exists(descriptor, call), call);
    const isComplete = isPresent && target.holdsWhole?.(digest) === true;
    if (isPresent) this.#present += 1;
    if (isComplete && !(readsIndexes && isIndexMediaType(descriptor.mediaType))) return [digest];
    const stored = await this.#slots.run(() => source.manifest({ digest }, call), call);
    const manifest = parseManifest(stored.bytes, stored.descriptor.mediaType, name);
    if (manifest.kind === "index") {
      const below = await this.#children(manifest, name, depth);
      if (!isPresent) await this.#pushIndex(stored);
      this.#written += isPresent ? 0 : 1;
      return [digest, ...below];
    }
    const image = this.#imageOf(manifest, stored);
    target.expect?.([...image.layers.map((layer) => layer.descriptor), manifest.config, stored.descriptor]);
    await Promise.all([...image.layers, image.config].map((blob) => this.#blob(blob)));
    if (!isPresent) {
      await this.#slots.run(
        () => deliverManifest(image, { target }, this.#parts.jobs, onTransfer, call),
        call,
      );
      this.#written += 1;
    }
    return [digest];
  }

  async #pushIndex(stored: StoredManifest): Promise<void> {
    const { target } = this.#parts;
    const call = this.#call;
    try {
      await this.#slots.run(() => target.pushManifest(stored, call), call);
    } catch (error) {
      throw this.isPartial && !call.signal.aborted ? refusedSparse(error) : error;
    }
  }

  /** An archive gets its manifests one after the other, so that the order of its blobs depends on nothing else. */
  async #children({ manifests }: ImageIndex, name: string, depth: number): Promise<Digest[]> {
    const { source, target, jobs, wants } = this.#parts;
    const wanted = wants === undefined ? manifests : manifests.filter((child) => wants(child, manifests));
    const below = wanted.map((): readonly Digest[] => []);
    await forEachConcurrently(
      wanted.entries(),
      target.expect === undefined ? jobs : 1,
      async ([i, child]) => {
        if (!isManifestMediaType(child.mediaType)) return this.#blob(this.#imageBlob(child));
        below[i] = await this.#manifest(child, depth + 1).catch(async (error: unknown) => {
          throw await missingChildren(error, child, wanted, source, name, this.#call);
        });
      },
      this.#call,
    );
    return below.flat();
  }

  #blob(blob: ImageBlob): Promise<void> {
    const { digest } = blob.descriptor;
    const known = this.#blobs.get(digest);
    if (known !== undefined) return known;
    const place = { target: this.#parts.target, tags: [], held: new Map(), sent: new Set<Digest>() };
    const call = this.#call;
    const { deliveries, onTransfer } = this.#parts;
    const bring = async (from: ImageBlob): Promise<void> => {
      await this.#slots.run(() => deliver(from, place, onTransfer, call), call);
      // Registries tell of what is sent to them; what is written to files counts as well.
      const { name, mountOrigin } = place.target;
      const isWritten = mountOrigin === undefined && place.sent.has(digest);
      if (isWritten)
        onTransfer({ kind: "finished", direction: "upload", store: name, descriptor: blob.descriptor });
    };
    const bringing = deliveries?.deliver(blob, place.target, bring, call) ?? bring(blob);
    this.#blobs.set(digest, bringing);
    return bringing;
  }

  /** Foreign layers are where their `urls` say, and stay there. */
  #imageOf({ config, layers }: ImageManifest, manifest: StoredManifest) {
    const own = layers.filter(({ mediaType }) => !isForeignLayerMediaType(mediaType));
    return {
      layers: own.map((layer) => this.#imageBlob(layer)),
      config: this.#imageBlob(config),
      manifest,
    };
  }

  #imageBlob(descriptor: Descriptor): ImageBlob {
    const { source } = this.#parts;
    const from = source.fetchFrom?.bind(source, descriptor);
    const open: OpenContent = Object.assign((call: Call) => source.fetch(descriptor, call), { from });
    return { descriptor, open, mountFrom: source.mountOrigin };
  }
}
