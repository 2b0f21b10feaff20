import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError, type ErrorCode } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import type { ManifestParts } from "./manifest-parts.ts";
import type { SiteFault } from "./site-fault.ts";

/** A manifest on the way of a walk. */
export interface Visit {
  readonly digest: Digest;
  /** As what leads there has it. */
  readonly descriptor?: Descriptor | undefined;
  /** What names it, for messages. */
  readonly by: string;
  readonly tag?: string | undefined;
  /** Whether an index names it, and no tag or list. */
  readonly isChild: boolean;
  /** Whether it may be missing. */
  readonly isOptional: boolean;
  /** Platforms that indexes have to have; `undefined` for all. */
  readonly platforms: readonly Platform[] | undefined;
  /** What it refers to, by the list or the tag that it is from. */
  readonly listedFor?: Digest | undefined;
}

/** A blob, and the manifest that names it. */
export interface NamedBlob {
  readonly descriptor: Descriptor;
  readonly by: Digest;
}

/** What to do about whatever is not as it should be. */
export const mirrorAgain = "Mirror it again: what is there and sound is not sent twice.";

/** What a walk through one repository has found so far, and what of it does not fit together. */
export class WalkRecord {
  /** Tags that name something, whether or not that is there. */
  readonly tags = new Map<string, Digest>();
  /** Manifests that are there, whole and sound. */
  readonly manifests = new Map<Digest, Descriptor>();
  /** What those name; nobody has looked whether it is there. */
  readonly blobs = new Map<Digest, NamedBlob>();
  /** Images that were to be found by their digests. */
  readonly untagged = new Set<Digest>();
  /** What is listed as a referrer, by whatever means. */
  readonly referrers = new Set<Digest>();
  /** What manifests that are there refer to. */
  readonly subjects = new Map<Digest, Digest>();
  /** Manifests that anything leads to, whether or not they are there. */
  readonly asked = new Set<Digest>();
  readonly failures = new Map<Digest, ComposeImageError>();
  /** What asked for a manifest first that needs it. */
  readonly #needed = new Map<Digest, Visit>();
  /** Sizes as they were first named. */
  readonly #sizes = new Map<Digest, number>();
  readonly #listed: { readonly digest: Digest; readonly subject: Digest; readonly by: string }[] = [];
  readonly #path: string;
  readonly #name: string;
  readonly #onFault: (fault: SiteFault) => void;

  /** @param name the repository in messages. */
  constructor(path: string, name: string, onFault: (fault: SiteFault) => void) {
    this.#path = path;
    this.#name = name;
    this.#onFault = onFault;
  }

  /** Takes down that something leads to a manifest. */
  ask(visit: Visit): void {
    const { digest, descriptor, by, isOptional } = visit;
    if (descriptor !== undefined) this.#expectSize(descriptor, by);
    this.asked.add(digest);
    if (!isOptional && !this.#needed.has(digest)) this.#needed.set(digest, visit);
  }

  /** Takes down a manifest that is there. */
  found(descriptor: Descriptor, parts: ManifestParts, by: string): void {
    const { mediaType, digest, size } = descriptor;
    this.#expectSize(descriptor, by);
    this.manifests.set(digest, { mediaType, digest, size });
    for (const blob of parts.blobs) {
      this.#expectSize(blob, `the manifest ${digest}`);
      if (!this.blobs.has(blob.digest)) this.blobs.set(blob.digest, { descriptor: blob, by: digest });
    }
    if (parts.subject !== undefined) this.subjects.set(digest, parts.subject);
  }

  /** Takes down that a list says what refers to the subject. */
  listed(subject: Digest, digest: Digest, by: string): void {
    this.referrers.add(digest);
    this.#listed.push({ digest, subject, by });
  }

  /** Tells what could not be read, and which lists are wrong. */
  tellFaults(): void {
    for (const [digest, error] of this.failures) {
      const visit = this.#needed.get(digest);
      if (visit === undefined && error.code === "MANIFEST_NOT_FOUND") continue;
      const message = visit === undefined ? error.message : `${error.message}; ${visit.by} names it`;
      const told = new ComposeImageError(error.code, message, { hint: error.hint ?? mirrorAgain });
      this.tell(told, { digest, tag: visit?.tag });
    }
    for (const { digest, subject, by } of this.#listed) {
      if (!this.manifests.has(digest) || this.subjects.get(digest) === subject) continue;
      const what =
        digest === subject
          ? "lists it as referring to itself"
          : `lists it as referring to ${subject}, which it does not`;
      this.tellOf("MANIFEST_INVALID", digest, `${by} ${what}`);
    }
  }

  /** Tells a fault of a manifest or blob. */
  tellOf(code: ErrorCode, digest: Digest, what: string): void {
    const message = `${this.#name}@${digest}: ${what}`;
    this.tell(new ComposeImageError(code, message, { hint: mirrorAgain }), { digest });
  }

  tell(error: ComposeImageError, about: Partial<Pick<SiteFault, "tag" | "digest">>): void {
    const { code, message, hint } = error;
    const { tag, digest } = about;
    this.#onFault({ repository: this.#path, tag, digest, code, message, hint });
  }

  /** Of two sizes of the same content one is wrong. */
  #expectSize({ digest, size }: Descriptor, by: string): void {
    const before = this.#sizes.get(digest) ?? size;
    this.#sizes.set(digest, before);
    if (before === size) return;
    this.tellOf("SIZE_MISMATCH", digest, `it has ${before} bytes, or the ${size} that ${by} says`);
  }
}
