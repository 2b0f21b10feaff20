import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Slots } from "../io/slots.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError, type ErrorCode } from "../model/errors.ts";
import { type Platform, parsePlatform } from "../model/platform.ts";
import { fallbackTag, subjectOfTag } from "../model/referrers.ts";
import { keptPlatforms } from "../store/layout/kept-platforms.ts";
import type { Target } from "../store/target.ts";
import { keepsPlatforms } from "./keep-platforms.ts";
import { type ManifestParts, readManifestParts } from "./manifest-parts.ts";
import { contentFault, type SiteFault } from "./site-fault.ts";
import { mirrorAgain, type Visit, WalkRecord } from "./walk-record.ts";

/** What walks through the repositories of one site have in common. */
export interface WalkParts {
  /** For requests. */
  readonly slots: Slots;
  readonly jobs: number;
  /** What manifests name that were read in whatever repository: each is read once. */
  readonly known: Map<Digest, ManifestParts>;
  readonly onFault: (fault: SiteFault) => void;
}

/** A repository, and what is to be found there. */
export interface WalkedRepository {
  readonly path: string;
  readonly repository: Target;
  /** Manifests and indexes to be found besides those that tags and lists name. */
  readonly digests: readonly Digest[];
  /** Of indexes, images for these platforms alone need be there; `undefined` for all. */
  readonly platforms: readonly Platform[] | undefined;
}

/** Faults of a list of referrers that is there. */
const listFaults: readonly ErrorCode[] = ["MANIFEST_INVALID", "DIGEST_INVALID", "DIGEST_MISMATCH"];

/**
 * Goes from the tags of a repository, and what is listed there without one, through all manifests, and from each to what
 * refers to it: by the referrers API, the fallback tag, cosign's tags. Each manifest is read once, so circles end. What is
 * missing or damaged is told and left out.
 *
 * @throws ComposeImageError what keeps content from being looked at: the network's, refusals, lists that cannot be had.
 */
export async function walkRepository(
  walked: WalkedRepository,
  parts: WalkParts,
  call: Call,
): Promise<WalkRecord> {
  return new RepositoryWalk(walked, parts).run(call);
}

class RepositoryWalk {
  readonly #walked: WalkedRepository;
  readonly #repository: Target;
  readonly #parts: WalkParts;
  readonly #record: WalkRecord;
  readonly #seen = new Set<Digest>();

  constructor(walked: WalkedRepository, parts: WalkParts) {
    this.#walked = walked;
    this.#repository = walked.repository;
    this.#parts = parts;
    this.#record = new WalkRecord(walked.path, walked.repository.name, parts.onFault);
  }

  async run(call: Call): Promise<WalkRecord> {
    let round = await this.#tops(call);
    while (round.length > 0) {
      const below: Visit[] = [];
      const visit = async (each: Visit, inner: Call): Promise<void> => {
        below.push(...(await this.#visit(each, inner)));
      };
      await forEachConcurrently(round, this.#parts.jobs, visit, call);
      round = below;
    }
    this.#record.tellFaults();
    await this.#checkSubjects(call);
    return this.#record;
  }

  async #tops(call: Call): Promise<Visit[]> {
    const { digests, platforms } = this.#walked;
    const repository = this.#repository;
    const untagged = (await repository.untagged?.(call)) ?? [];
    const attached = (await repository.attached?.(call)) ?? [];
    for (const digest of [...digests, ...untagged.map((each) => each.digest)])
      this.#record.untagged.add(digest);
    const tops: Visit[] = [
      ...digests.map((digest) => ({ digest, by: "its digest", ...required, platforms })),
      ...[...untagged, ...attached].map((descriptor) => this.#top(descriptor, "an entry without a tag")),
    ];
    const add = async (tag: string, inner: Call): Promise<void> => {
      const top = await this.#tagged(tag, inner);
      if (top !== undefined) tops.push(top);
    };
    await forEachConcurrently(await tagsOf(repository, call), this.#parts.jobs, add, call);
    const named = new Set(tops.flatMap(({ descriptor }) => descriptor?.digest ?? []));
    return tops
      .filter(({ descriptor, digest }) => descriptor !== undefined || !named.has(digest))
      .sort(byDemand);
  }

  async #tagged(tag: string, call: Call): Promise<Visit | undefined> {
    const repository = this.#repository;
    const found = await this.#run(() => repository.find(tag, call), call).catch(contentFault);
    if (found === undefined || found instanceof ComposeImageError) {
      const message = `${repository.name}:${tag}: the tag is listed, and names nothing`;
      const missing = new ComposeImageError("MANIFEST_NOT_FOUND", message, { hint: mirrorAgain });
      this.#record.tell(found ?? missing, { tag });
      return undefined;
    }
    this.#record.tags.set(tag, found.digest);
    const top = { ...this.#top(found, `the tag ${tag}`), tag };
    const subject = subjectOfTag(tag);
    if (subject === undefined) return top;
    if (tag !== fallbackTag(subject)) this.#record.referrers.add(found.digest);
    return { ...top, platforms: undefined, listedFor: subject };
  }

  #top(descriptor: Descriptor, by: string): Visit {
    const platforms = platformsOf(descriptor) ?? this.#walked.platforms;
    return { digest: descriptor.digest, descriptor, by, ...required, platforms };
  }

  /** @returns what is to be visited next. */
  async #visit(visit: Visit, call: Call): Promise<Visit[]> {
    const { digest, tag, listedFor } = visit;
    this.#record.ask(visit);
    const isList = tag !== undefined && listedFor !== undefined && tag === fallbackTag(listedFor);
    if (this.#seen.has(digest) && !isList) return [];
    this.#seen.add(digest);
    const parts = await this.#read(visit, call).catch(contentFault);
    if (parts instanceof ComposeImageError) {
      this.#record.failures.set(digest, parts);
      return [];
    }
    if (isList) return this.#listed(listedFor, parts.children, `the tag ${tag}`);
    return [...childrenOf(visit, parts), ...(await this.#referrers(visit, parts, call))];
  }

  async #referrers({ digest, isChild }: Visit, parts: ManifestParts, call: Call): Promise<Visit[]> {
    const repository = this.#repository;
    if (repository.attached !== undefined) {
      // What refers to anything is among what has been visited.
      if (parts.subject !== undefined && !isChild) this.#record.referrers.add(digest);
      return [];
    }
    try {
      const referrers = await this.#run(() => repository.referrers(digest, call), call);
      return this.#listed(digest, referrers, `the list of what refers to ${digest}`);
    } catch (error) {
      if (!(error instanceof ComposeImageError) || !listFaults.includes(error.code)) throw error;
      this.#record.tell(error, { digest });
      return [];
    }
  }

  #listed(subject: Digest, referrers: readonly Descriptor[], by: string): Visit[] {
    for (const { digest } of referrers) this.#record.listed(subject, digest, by);
    return referrers.map((descriptor) => {
      const { digest } = descriptor;
      return { digest, descriptor, by, ...required, platforms: undefined, listedFor: subject };
    });
  }

  async #read({ digest, descriptor, by }: Visit, call: Call): Promise<ManifestParts> {
    const repository = this.#repository;
    const known = this.#parts.known.get(digest);
    if (known !== undefined && descriptor !== undefined) {
      if (await this.#run(() => repository.exists(descriptor, call), call)) {
        this.#record.found(descriptor, known, by);
        return known;
      }
    }
    const stored = await this.#run(() => repository.manifest({ digest }, call), call);
    const parts = readManifestParts(stored, `${repository.name}@${digest}`);
    this.#record.found(stored.descriptor, parts, by);
    this.#parts.known.set(digest, parts);
    return parts;
  }

  async #checkSubjects(call: Call): Promise<void> {
    const repository = this.#repository;
    const { subjects, manifests, failures } = this.#record;
    const check = async ([referrer, subject]: [Digest, Digest], inner: Call): Promise<void> => {
      if (manifests.has(subject) || failures.has(subject)) return;
      const resolve = () => repository.resolve({ digest: subject }, inner);
      const found = await this.#run(resolve, inner).catch(contentFault);
      if (!(found instanceof ComposeImageError)) return;
      this.#record.tellOf(found.code, referrer, `it refers to ${subject}, which is not there`);
    };
    await forEachConcurrently(subjects, this.#parts.jobs, check, call);
  }

  #run<T>(work: () => Promise<T>, call: Call): Promise<T> {
    return this.#parts.slots.run(work, call);
  }
}

/** What needs all of an index comes before what needs some of it. */
function byDemand(a: Visit, b: Visit): number {
  const keyOf = ({ platforms, by }: Visit): string => `${platforms === undefined ? 0 : 1} ${by}`;
  const [keyOfA, keyOfB] = [keyOf(a), keyOf(b)];
  return keyOfA < keyOfB ? -1 : keyOfA > keyOfB ? 1 : 0;
}

const required = { isChild: false, isOptional: false } as const;

function childrenOf({ digest, platforms, isOptional }: Visit, { children }: ManifestParts): Visit[] {
  const isKept = platforms === undefined ? () => true : keepsPlatforms(platforms);
  return children.map((descriptor) => ({
    digest: descriptor.digest,
    descriptor,
    by: `the index ${digest}`,
    isChild: true,
    isOptional: isOptional || !isKept(descriptor, children),
    platforms,
  }));
}

/** The platforms that an entry of a layout says it has; `undefined` for all, and where it names what are none. */
function platformsOf(descriptor: Descriptor): readonly Platform[] | undefined {
  try {
    return keptPlatforms(descriptor)?.map(parsePlatform);
  } catch {
    return undefined;
  }
}

/** Tags of a repository; none of one that is not there. */
async function tagsOf(repository: Target, call: Call): Promise<string[]> {
  const tags: string[] = [];
  try {
    for await (const tag of repository.listTags(call)) tags.push(tag);
  } catch (error) {
    if (!(error instanceof ComposeImageError) || error.code !== "MANIFEST_NOT_FOUND") throw error;
  }
  return tags;
}
