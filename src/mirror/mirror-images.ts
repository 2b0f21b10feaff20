import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { Slots } from "../io/slots.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { isIndexMediaType } from "../model/media-types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { type CopyForecast, ForecastTarget } from "../ops/copy-forecast.ts";
import { GraphCopy } from "../ops/copy-graph.ts";
import { copyImage } from "../ops/copy-image.ts";
import { ReferrerCopy } from "../ops/copy-referrers.ts";
import { ManifestTurns } from "../ops/manifest-turns.ts";
import { SharedDeliveries } from "../ops/shared-deliveries.ts";
import { TagMoves } from "../ops/tag-moves.ts";
import type { ChosenImage } from "../plan/mirror-plan.ts";
import { platformsAnnotation } from "../store/layout/kept-platforms.ts";
import type { Target } from "../store/target.ts";
import type { RepositoryChoice, ResolvedImage } from "./choose-images.ts";
import { chooseMirrored } from "./choose-mirrored.ts";
import { ImageSource } from "./image-source.ts";
import { keepsPlatforms } from "./keep-platforms.ts";
import {
  asFault,
  type MirroredImage,
  type MirrorFault,
  type MirrorOutcome,
  sourceName,
} from "./mirror-outcome.ts";
import type { Site } from "./site.ts";
import { UnreachableRegistries } from "./unreachable-registries.ts";

/** Options of {@link mirrorImages}. */
export interface MirrorRunOptions {
  /** Most blobs and manifests under way at once, and most images. */
  readonly jobs: number;
  /** Writes nothing, and gives a forecast. */
  readonly dryRun: boolean;
  readonly onTransfer: TransferListener;
  /** What could not be reached before; default nothing. */
  readonly unreachable?: UnreachableRegistries | undefined;
  /** Repositories of the site that have blobs which the sources may lack. */
  readonly held?: ReadonlyMap<Digest, Target> | undefined;
  /** Told of each image when it is done; must not throw. */
  readonly onImage?: ((done: MirroredImage | MirrorFault) => void) | undefined;
}

/**
 * Copies images of many repositories to a site. An image that fails is told and left, with its tag where it was; what is
 * there is whole. Each blob is read from its source once. Where a registry cannot be reached, all that is left to be copied
 * from or to it fails at once, with the same error.
 *
 * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL` of the site, with which no image could go on, saying how many are done;
 *   the signal's reason.
 */
export async function mirrorImages(
  choices: readonly RepositoryChoice[],
  site: Site,
  options: MirrorRunOptions,
  call: Call,
): Promise<MirrorOutcome> {
  return new MirrorRun(site, options).run(choices, call);
}

/** Where the images of one repository go, and how. */
interface Lane {
  readonly choice: RepositoryChoice;
  readonly target: Target;
  readonly moves: TagMoves;
}

class MirrorRun {
  readonly #site: Site;
  readonly #options: MirrorRunOptions;
  readonly #slots: Slots;
  readonly #unreachable: UnreachableRegistries;
  readonly #turns = new ManifestTurns();
  readonly #images: MirroredImage[] = [];
  readonly #faults: MirrorFault[] = [];
  /** What a dry run would have brought to all repositories of a place where they share their content. */
  readonly #forecast = new Set<Digest>();
  #written = 0;
  #present = 0;

  constructor(site: Site, options: MirrorRunOptions) {
    this.#site = site;
    this.#options = options;
    this.#slots = new Slots(options.jobs);
    this.#unreachable = options.unreachable ?? new UnreachableRegistries();
  }

  async run(choices: readonly RepositoryChoice[], call: Call): Promise<MirrorOutcome> {
    const lanes = choices.map((choice) => this.#laneOf(choice));
    const work = lanes.flatMap((lane) => lane.choice.images.map((image) => ({ lane, image })));
    const isRegistry = lanes.some(({ target }) => target.mountOrigin !== undefined);
    const sharesContent = !isRegistry && this.#site.isDelta !== true;
    const deliveries = new SharedDeliveries(sharesContent, this.#options.held);
    // An archive's blobs lie in the order of its images.
    const jobs = lanes.some(({ target }) => target.expect !== undefined) ? 1 : this.#options.jobs;
    try {
      await forEachConcurrently(
        work,
        jobs,
        ({ lane, image }, inner) => this.#mirror(image, lane, deliveries, inner),
        call,
      );
      if (!this.#options.dryRun && this.#images.length > 0) await this.#site.commit?.(call);
    } catch (error) {
      throw call.signal.aborted ? error : this.#withProgress(error, work.length);
    }
    for (const { moves } of lanes) moves.announce();
    return {
      images: this.#images.sort((a, b) => compare(orderOf(a.image), orderOf(b.image))),
      faults: this.#faults.sort((a, b) => compare(a.subject, b.subject)),
      manifests: { written: this.#written, present: this.#present },
      forecast: this.#options.dryRun ? sumOf(lanes) : undefined,
    };
  }

  #laneOf(choice: RepositoryChoice): Lane {
    const { dryRun, onTransfer } = this.#options;
    const there = this.#site.repository(choice.repository.target);
    const written = there.mountOrigin === undefined ? this.#forecast : undefined;
    const target = dryRun ? new ForecastTarget(there.name, there, written) : there;
    return { choice, target, moves: new TagMoves(target, onTransfer) };
  }

  async #mirror(image: ResolvedImage, lane: Lane, deliveries: SharedDeliveries, call: Call): Promise<void> {
    const { onImage } = this.#options;
    try {
      const mirrored = await this.#copy(image, lane, deliveries, call);
      this.#images.push(mirrored);
      onImage?.(mirrored);
    } catch (error) {
      call.signal.throwIfAborted();
      const fault = { subject: sourceName(image), error: this.#unreachable.note(asFault(error)) };
      this.#faults.push(fault);
      onImage?.(fault);
    }
  }

  /** What ended the run, with what became of the images: in an archive, which appears as a whole, none is there. */
  #withProgress(error: unknown, count: number): unknown {
    if (!(error instanceof ComposeImageError)) return error;
    const { code, message, hint } = error;
    const done = this.#site.commit === undefined ? this.#images.length : 0;
    return new ComposeImageError(code, `${message}; ${done} of ${count} images were done`, {
      hint,
      cause: error,
    });
  }

  async #copy(
    image: ResolvedImage,
    { choice, target, moves }: Lane,
    deliveries: SharedDeliveries,
    call: Call,
  ): Promise<MirroredImage> {
    const { repository, knownTags } = choice;
    const source = new ImageSource(choice.source, image.digest);
    const { jobs, onTransfer } = this.#options;
    const { platforms, referrers: withReferrers } = repository;
    this.#unreachable.expectReachable(source.mountOrigin?.registry, target.mountOrigin?.registry);
    const several = image.kept ?? (platforms !== undefined && platforms.length > 1 ? platforms : undefined);
    const parts = { source, target, jobs };
    const graph = new GraphCopy(
      {
        ...parts,
        ...{ slots: this.#slots, turns: this.#turns, deliveries, onTransfer, readsIndexes: withReferrers },
        wants: several && keepsPlatforms(several),
      },
      call,
    );
    const referrers = withReferrers ? new ReferrerCopy({ ...parts, graph, knownTags }) : undefined;
    const chosen = await chooseMirrored(source, image, platforms, call);
    const descriptor = entryOf(chosen, several);
    source.expect(descriptor.digest);
    const done = await copyImage(descriptor, image.tag, { source, target, graph, referrers, moves }, call);
    const { written, present } = graph.figures;
    this.#written += written;
    this.#present += present;
    return { image, descriptor, isMoved: done.isMoved, referrers: referrers?.digests ?? [] };
  }
}

/** The entry of a layout says which of an index's platforms are there, and nothing that others said. */
function entryOf(
  { mediaType, digest, size }: Descriptor,
  platforms: readonly Platform[] | undefined,
): Descriptor {
  const descriptor = { mediaType, digest, size };
  if (platforms === undefined || !isIndexMediaType(mediaType)) return descriptor;
  const kept = platforms.map(formatPlatform).join(",");
  return { ...descriptor, annotations: { [platformsAnnotation]: kept } };
}

function sumOf(lanes: readonly Lane[]): CopyForecast {
  const sum = { copiedBytes: 0, copiedBlobs: 0, mountedBytes: 0 };
  for (const { target } of lanes) {
    if (!(target instanceof ForecastTarget)) continue;
    const { copiedBytes, copiedBlobs, mountedBytes } = target.forecast;
    sum.copiedBytes += copiedBytes;
    sum.copiedBlobs += copiedBlobs;
    sum.mountedBytes += mountedBytes;
  }
  return sum;
}

function orderOf({ target, tag, digest }: ChosenImage): string {
  return `${target}:${tag ?? `@${digest}`}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
