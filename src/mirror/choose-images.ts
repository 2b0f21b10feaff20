import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { Slots } from "../io/slots.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import type { ChosenImage, MirrorLock, MirrorPlan, MirrorRepository } from "../plan/mirror-plan.ts";
import { inShard, type Shard } from "../plan/shard.ts";
import type { ListedSource } from "../store/source.ts";
import { chooseTags, needsListing } from "./choose-tags.ts";
import { creationTime } from "./image-age.ts";
import { asFault, type MirrorFault, sourceName } from "./mirror-outcome.ts";
import { UnreachableRegistries } from "./unreachable-registries.ts";

/** A chosen image with what its source says of it, where that was asked. */
export interface ResolvedImage extends ChosenImage {
  readonly descriptor?: Descriptor | undefined;
  /** Of an index, the only platforms that its place has; `undefined` where it has all. */
  readonly kept?: readonly Platform[] | undefined;
}

/** The images of one repository that are to be mirrored. */
export interface RepositoryChoice {
  readonly repository: Pick<MirrorRepository, "target" | "platforms" | "referrers">;
  readonly source: ListedSource;
  readonly images: readonly ResolvedImage[];
  /** The tags the source has, where they have been listed. */
  readonly knownTags: ReadonlySet<string> | undefined;
}

/** Options of {@link chooseImages}. */
export interface ChoiceOptions {
  /** The images are these and no others. */
  readonly lock?: MirrorLock | undefined;
  /** Of all images those that are in this shard. */
  readonly shard?: Shard | undefined;
  /** Most requests under way at once, of all repositories together. */
  readonly jobs: number;
  /** What could not be reached; default nothing yet. */
  readonly unreachable?: UnreachableRegistries | undefined;
  /** The repository to be mirrored from. */
  readonly open: (repository: MirrorRepository) => ListedSource;
  /** The time that ages are counted from, in milliseconds. */
  readonly now: number;
}

/** What was chosen, and what could not be; in the order of the plan. */
export interface ImageChoice {
  readonly choices: readonly RepositoryChoice[];
  readonly faults: readonly MirrorFault[];
}

/**
 * Finds out which images a plan means, and what their tags name now. A tag that is named is asked for once, and nothing
 * else; tags are listed where patterns have to be matched.
 *
 * @throws ComposeImageError what the sources cannot be opened for. What fails later is a fault of its repository or tag.
 */
export async function chooseImages(
  plan: MirrorPlan,
  options: ChoiceOptions,
  call: Call,
): Promise<ImageChoice> {
  const { jobs, unreachable = new UnreachableRegistries() } = options;
  const shared = { ...options, unreachable, slots: new Slots(jobs) };
  const choosers = plan.repositories.map(
    (repository) => new RepositoryChooser(repository, options.open(repository), shared),
  );
  const choices = new Map<RepositoryChooser, RepositoryChoice>();
  await forEachConcurrently(
    choosers,
    jobs,
    async (chooser, inner) => {
      choices.set(chooser, await chooser.choose(inner));
    },
    call,
  );
  return {
    choices: choosers.flatMap((chooser) => choices.get(chooser) ?? []),
    faults: choosers.flatMap((chooser) => chooser.faults),
  };
}

/** What the choosers of one run share. */
interface SharedChoiceOptions extends ChoiceOptions {
  readonly unreachable: UnreachableRegistries;
  /** For whatever makes requests. */
  readonly slots: Slots;
}

class RepositoryChooser {
  readonly #repository: MirrorRepository;
  readonly #source: ListedSource;
  readonly #options: SharedChoiceOptions;
  readonly #faults: MirrorFault[] = [];
  /** Credentials that were refused for one tag are not shown again for the next. */
  #refusal: ComposeImageError | undefined;

  constructor(repository: MirrorRepository, source: ListedSource, options: SharedChoiceOptions) {
    this.#repository = repository;
    this.#source = source;
    this.#options = options;
  }

  /** What could not be chosen, those of the repository first, then by tag. */
  get faults(): MirrorFault[] {
    return this.#faults.sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
  }

  async choose(call: Call): Promise<RepositoryChoice> {
    const { lock } = this.#options;
    const isListed = lock === undefined && needsListing(this.#repository);
    const listed = isListed ? await this.#list(call) : [];
    const images = lock === undefined ? await this.#resolved(listed, call) : this.#locked(lock);
    return {
      ...{ repository: this.#repository, source: this.#source, images },
      knownTags: isListed && listed !== undefined ? new Set(listed) : undefined,
    };
  }

  /** Makes requests, unless it is known that they would fail. */
  #ask<T>(requests: () => Promise<T>, call: Call): Promise<T> {
    const { slots, unreachable } = this.#options;
    return slots.run(async () => {
      unreachable.expectReachable(this.#source.mountOrigin?.registry);
      if (this.#refusal !== undefined) throw this.#refusal;
      return requests();
    }, call);
  }

  /** `undefined` where that failed. */
  async #list(call: Call): Promise<readonly string[] | undefined> {
    try {
      return await this.#ask(async () => {
        const tags: string[] = [];
        for await (const tag of this.#source.listTags(call)) tags.push(tag);
        return tags;
      }, call);
    } catch (error) {
      call.signal.throwIfAborted();
      this.#fault(undefined, asFault(error));
      return undefined;
    }
  }

  #locked({ images }: MirrorLock): ChosenImage[] {
    const { registry, repository, target } = this.#repository;
    return images
      .filter((image) => image.registry === registry && image.repository === repository)
      .map(({ tag, digest }) => ({ registry, repository, target, tag, digest }))
      .filter((image) => this.#isInShard(image));
  }

  async #resolved(listed: readonly string[] | undefined, call: Call): Promise<ResolvedImage[]> {
    const { registry, repository, target, digests } = this.#repository;
    const chosen = chooseTags(this.#repository, listed ?? []);
    // What could not be listed has been told; that nothing matches it says nothing more.
    if (listed !== undefined) for (const error of chosen.faults) this.#fault(undefined, error);
    const of = { registry, repository, target };
    const byTag = new Map<string, ResolvedImage>();
    const tags = chosen.tags.filter((tag) => this.#isInShard({ ...of, tag }));
    await forEachConcurrently(
      tags,
      this.#options.jobs,
      async (tag, inner) => {
        const image = await this.#resolve(of, tag, chosen.named.has(tag), inner);
        if (image !== undefined) byTag.set(tag, image);
      },
      call,
    );
    const byDigest = digests
      .map((digest): ResolvedImage => ({ ...of, tag: undefined, digest }))
      .filter((image) => this.#isInShard(image));
    return [...tags.flatMap((tag) => byTag.get(tag) ?? []), ...byDigest];
  }

  /** `undefined` for what is too old, or failed. */
  async #resolve(
    of: Pick<ChosenImage, "registry" | "repository" | "target">,
    tag: string,
    isNamed: boolean,
    call: Call,
  ): Promise<ResolvedImage | undefined> {
    const { maxAgeMs } = this.#repository;
    try {
      return await this.#ask(async () => {
        const descriptor = await this.#source.resolve({ tag }, call);
        const image = { ...of, tag, digest: descriptor.digest, descriptor };
        if (maxAgeMs === undefined || isNamed) return image;
        const created = await creationTime(this.#source, descriptor, `source ${sourceName(image)}`, call);
        // What is dated by the epoch, as reproducible builds do, has no time of its own.
        const isOld = created !== undefined && created > 0 && created < this.#options.now - maxAgeMs;
        return isOld ? undefined : image;
      }, call);
    } catch (error) {
      call.signal.throwIfAborted();
      const fault = asFault(error);
      const isGone = !isNamed && fault.code === "MANIFEST_NOT_FOUND";
      this.#fault(tag, isGone ? vanished(fault) : fault);
      return undefined;
    }
  }

  #isInShard(image: Parameters<typeof inShard>[0]): boolean {
    const { shard } = this.#options;
    return shard === undefined || inShard(image, shard);
  }

  #fault(tag: string | undefined, error: ComposeImageError): void {
    const { registry, repository } = this.#repository;
    const subject = `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}`;
    if (error.code === "UNAUTHORIZED") this.#refusal ??= error;
    this.#faults.push({ subject, error: this.#options.unreachable.note(error) });
  }
}

function vanished({ code, message, hint }: ComposeImageError): ComposeImageError {
  return new ComposeImageError(code, `${message}: the tag was removed after it had been listed`, { hint });
}
