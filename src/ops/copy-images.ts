import { type Call, unstoppable } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { ignoreTransfers, type TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type ImageLocation, isArchive } from "../model/location.ts";
import type { Platform } from "../model/platform.ts";
import { subjectOfTag } from "../model/referrers.ts";
import { Stores, type StoresOptions, storeKey } from "../store/open-stores.ts";
import type { ListedSource, ManifestSelector } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import { chooseCopied, expectLoadable } from "./choose-copied.ts";
import { type CopyForecast, ForecastTarget } from "./copy-forecast.ts";
import { GraphCopy } from "./copy-graph.ts";
import { type CopiedImage, copyImage } from "./copy-image.ts";
import type { CopyTarget } from "./copy-locations.ts";
import { ReferrerCopy } from "./copy-referrers.ts";
import { targetTag } from "./copy-tag.ts";
import { FigureCounter, type TransferFigures } from "./figures.ts";
import { imageTags } from "./image-tags.ts";
import { TagMoves } from "./tag-moves.ts";

/** Options of {@link copyImages}; those of the stores are among them. */
export interface CopyOptions extends StoresOptions {
  /** Copies of an index this platform's manifest alone. Default: all of it. */
  readonly platform?: Platform | undefined;
  /** Whether signatures, attestations and the like come along. Default `true`. */
  readonly referrers?: boolean | undefined;
  /** Copies every tag of the repository, layout or archive. Default `false`. */
  readonly allTags?: boolean | undefined;
  /** Writes nothing, and gives a forecast. Default `false`. */
  readonly dryRun?: boolean | undefined;
  /** Most blobs and manifests under way at once. Default 4. */
  readonly jobs?: number | undefined;
  /** Stops the work; what is thrown is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link copyImages} did. */
export interface CopyResult {
  readonly source: string;
  readonly target: string;
  /** In the order of their tags. */
  readonly images: readonly CopiedImage[];
  /** Tags that were listed and then were not there. */
  readonly vanished: readonly string[];
  /** Signatures, attestations and the like, those that were there already counted. */
  readonly referrers: number;
  /** Manifests and indexes written, and found at the target. */
  readonly manifests: { readonly written: number; readonly present: number };
  readonly figures: TransferFigures & { readonly elapsedMs: number };
  /** Present with `dryRun`. */
  readonly forecast: CopyForecast | undefined;
}

/**
 * Copies an image, or all tags, with every digest kept. The tags move when all else is there.
 *
 * @throws ComposeImageError naming the side at fault: `source …`, `target …`.
 */
export async function copyImages(
  from: ImageLocation,
  to: CopyTarget,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const startedAt = performance.now();
  const counter = new FigureCounter();
  const { onTransfer = ignoreTransfers, signal } = options;
  const call: Call = signal === undefined ? unstoppable : { signal };
  const tell: TransferListener = (event) => {
    counter.count(event);
    onTransfer(event);
  };
  await using stores = new Stores({
    resume: true,
    ...options,
    partsDirectory: from.transport === "registry" ? options.partsDirectory : undefined,
    onTransfer: tell,
  });
  const done = await new ImageCopy(stores, from, to, options, tell).run(call);
  const figures = { ...counter.figures(), elapsedMs: performance.now() - startedAt };
  return { ...done, figures };
}

class ImageCopy {
  readonly #stores: Stores;
  readonly #from: ImageLocation;
  readonly #to: CopyTarget;
  readonly #options: CopyOptions;
  readonly #onTransfer: TransferListener;

  constructor(
    stores: Stores,
    from: ImageLocation,
    to: CopyTarget,
    options: CopyOptions,
    onTransfer: TransferListener,
  ) {
    this.#stores = stores;
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#onTransfer = onTransfer;
  }

  async run(call: Call): Promise<Omit<CopyResult, "figures">> {
    const { allTags = false, jobs = 4, platform } = this.#options;
    const isDockerArchive = this.#to.location.transport === "docker-archive";
    const withReferrers = (this.#options.referrers ?? true) && !isDockerArchive;
    const { source, selector } = await this.#openSource(call);
    const listed = allTags ? await sortedTags(source, call) : undefined;
    const tags = listed && (await imageTags(listed, source, call));
    const selectors = tags?.map((tag) => ({ tag })) ?? [selector];
    // Nothing is made at the target when there is nothing to copy.
    const first = listed === undefined ? await chooseCopied(source, selector, platform, call) : undefined;
    if (first !== undefined && isDockerArchive) await expectLoadable(source, first, call);
    const target = await this.#openTarget(call);
    const parts = { source, target, jobs };
    const graph = new GraphCopy(
      { ...parts, readsIndexes: withReferrers, onTransfer: this.#onTransfer },
      call,
    );
    const knownTags = listed && new Set(listed);
    const referrers = withReferrers ? new ReferrerCopy({ ...parts, graph, knownTags }) : undefined;
    const moves = new TagMoves(target, this.#onTransfer);
    const images = new Map<string, CopiedImage>();
    const vanished: string[] = [];
    await forEachConcurrently(
      selectors,
      target.expect === undefined ? jobs : 1,
      async (each, inner) => {
        const copied = first ?? (await this.#chosenOfAll(source, each, inner));
        if (copied === undefined) vanished.push("tag" in each ? each.tag : each.digest);
        else {
          const tag = await targetTag(this.#to, this.#from, source, each, inner);
          images.set(
            tag ?? "",
            await copyImage(copied, tag, { source, target, graph, referrers, moves }, inner),
          );
        }
      },
      call,
    );
    await this.#copyLeftReferrers(listed ?? [], source, moves, referrers, call);
    await target.commit?.(call);
    moves.announce();
    return {
      source: source.name,
      target: target.name,
      images: [...images.entries()]
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([, image]) => image),
      vanished: vanished.sort(),
      referrers: referrers?.count ?? 0,
      manifests: graph.figures,
      forecast: target instanceof ForecastTarget ? target.forecast : undefined,
    };
  }

  /** Where all tags are meant, no image is chosen. */
  #openSource(call: Call): Promise<{ readonly source: ListedSource; readonly selector: ManifestSelector }> {
    const from = this.#from;
    const isLayout = from.transport === "oci" || from.transport === "oci-archive";
    const location = isLayout && this.#options.allTags === true ? { ...from, tag: "latest" } : from;
    return this.#stores.source(location, "source", call);
  }

  async #openTarget(call: Call): Promise<Target> {
    const { location } = this.#to;
    if (storeKey(location) === storeKey(this.#from) && isArchive(location)) {
      throw new ComposeImageError("USAGE", `source and target are the same archive, ${location.file}`, {
        hint: "An archive is replaced as a whole: write to another file.",
      });
    }
    if (this.#options.dryRun !== true) return this.#stores.target(location, call);
    const name = isArchive(location) ? `${location.transport}:${location.file}` : storeKey(location);
    const existing = await this.#stores.existingTarget(location, call);
    return new ForecastTarget(existing?.name ?? name, existing);
  }

  async #chosenOfAll(
    source: ListedSource,
    selector: ManifestSelector,
    call: Call,
  ): Promise<Descriptor | undefined> {
    try {
      return await chooseCopied(source, selector, this.#options.platform, call);
    } catch (error) {
      if (!(error instanceof ComposeImageError) || error.code !== "MANIFEST_NOT_FOUND") throw error;
      const message = `${error.message}: the tag was removed after it had been listed, and is left out`;
      this.#onTransfer({ kind: "warning", store: source.name, message });
      return undefined;
    }
  }

  /** Where all tags are copied: referrers of what has no tag. */
  async #copyLeftReferrers(
    tags: readonly string[],
    source: ListedSource,
    moves: TagMoves,
    referrers: ReferrerCopy | undefined,
    call: Call,
  ): Promise<void> {
    const subjects = tags.flatMap((tag) => subjectOfTag(tag) ?? []).filter((one) => !referrers?.hasSeen(one));
    for (const { tag, descriptor } of (await referrers?.copy(subjects, call)) ?? []) {
      await moves.moveOnce(descriptor, tag, source, call);
    }
  }
}

async function sortedTags(source: ListedSource, call: Call): Promise<string[]> {
  const tags = new Set<string>();
  for await (const tag of source.listTags(call)) tags.add(tag);
  return [...tags].sort();
}
