import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { cosignTags, sortedReferrers } from "../model/referrers.ts";
import type { ListedSource } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import type { GraphCopy } from "./copy-graph.ts";

/** How far referrers of referrers are followed. */
const maxRounds = 32;

/** What a {@link ReferrerCopy} works with. */
export interface ReferrerCopyParts {
  readonly source: ListedSource;
  readonly target: Target;
  readonly graph: GraphCopy;
  readonly jobs: number;
  /** Tags the source has, where they have been listed; others are not asked for. */
  readonly knownTags?: ReadonlySet<string> | undefined;
}

/** A tag of cosign's that was found. */
export interface ReferrerTag {
  readonly tag: string;
  readonly descriptor: Descriptor;
}

/**
 * Brings what refers to manifests: by the referrers API or the fallback tag, and by cosign's tags; and what refers to that
 * in turn. Each manifest is asked about once, so circles end.
 */
export class ReferrerCopy {
  readonly #parts: ReferrerCopyParts;
  readonly #subjects = new Set<Digest>();
  readonly #found = new Set<Digest>();

  constructor(parts: ReferrerCopyParts) {
    this.#parts = parts;
  }

  /** Referrers found so far. */
  get count(): number {
    return this.#found.size;
  }

  /** Their digests, sorted. */
  get digests(): Digest[] {
    return [...this.#found].sort();
  }

  /** Whether it has been asked what refers to the manifest. */
  hasSeen(subject: Digest): boolean {
    return this.#subjects.has(subject);
  }

  /**
   * @returns tags of cosign's, which are to be moved once all is there.
   * @throws ComposeImageError `LIMIT_EXCEEDED` for a chain of referrers without end; what source, target and
   *   {@link GraphCopy.bring} throw.
   */
  async copy(subjects: readonly Digest[], call: Call): Promise<ReferrerTag[]> {
    const { source, target, jobs } = this.#parts;
    const tags: ReferrerTag[] = [];
    let round = this.#unseen(subjects);
    for (let rounds = 1; round.length > 0; rounds += 1) {
      if (rounds > maxRounds) {
        throw new ComposeImageError(
          "LIMIT_EXCEEDED",
          `source ${source.name}: referrers of referrers go deeper than ${maxRounds}`,
        );
      }
      const below: Digest[] = [];
      await forEachConcurrently(
        round,
        target.expect === undefined ? jobs : 1,
        async (subject, inner) => {
          below.push(...(await this.#copyListed(subject, inner)));
          for (const tag of await this.#cosignTags(subject, inner)) {
            tags.push(tag);
            below.push(...(await this.#bring(tag.descriptor)));
          }
        },
        call,
      );
      round = this.#unseen(below);
    }
    return tags;
  }

  async #copyListed(subject: Digest, call: Call): Promise<Digest[]> {
    const { source, target } = this.#parts;
    const listed = sortedReferrers(await source.referrers(subject, call), subject);
    const below: Digest[] = [];
    for (const referrer of listed) below.push(...(await this.#bring(referrer)));
    if (listed.length > 0) await target.attach(subject, listed, call);
    return below;
  }

  async #cosignTags(subject: Digest, call: Call): Promise<ReferrerTag[]> {
    const { source, knownTags } = this.#parts;
    const found: ReferrerTag[] = [];
    for (const tag of cosignTags(subject)) {
      if (knownTags?.has(tag) === false) continue;
      const descriptor = await source.find(tag, call);
      if (descriptor !== undefined && descriptor.digest !== subject) found.push({ tag, descriptor });
    }
    return found;
  }

  #bring(referrer: Descriptor): Promise<readonly Digest[]> {
    this.#found.add(referrer.digest);
    return this.#parts.graph.bring(referrer);
  }

  #unseen(digests: readonly Digest[]): Digest[] {
    return digests.filter((digest) => {
      const isNew = !this.#subjects.has(digest);
      this.#subjects.add(digest);
      return isNew;
    });
  }
}
