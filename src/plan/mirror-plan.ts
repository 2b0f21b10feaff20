import type { Digest } from "../model/digest.ts";
import type { HostLimits } from "../model/host-limits.ts";
import type { Platform } from "../model/platform.ts";

/** Which tags of a repository are meant. */
export type TagRule =
  | { readonly kind: "name"; readonly name: string }
  /** Shell wildcards, for the whole tag; `*` is every tag. */
  | { readonly kind: "glob"; readonly pattern: string }
  /** A regular expression, for the whole tag. */
  | { readonly kind: "regex"; readonly pattern: string }
  /** A range as npm has it; a leading `v` of tags does not count, tags that are no versions do not match. */
  | { readonly kind: "semver"; readonly range: string; readonly prereleases: boolean };

/** A rule, and where it is written. */
export type PlacedTagRule = TagRule & {
  /** `mirror.yaml:3:7: repositories[0].tags[1]`, for messages. */
  readonly place: string;
};

/** One repository to be mirrored. */
export interface MirrorRepository {
  /** `mirror.yaml:2:5: repositories[0]`, for messages. */
  readonly place: string;
  /** Host with port, as in a reference. */
  readonly registry: string;
  readonly repository: string;
  /** Path of the repository at the destination, without the destination's own prefix. */
  readonly target: string;
  readonly tags: readonly PlacedTagRule[];
  /** Tags that are not meant though a rule matches. */
  readonly exclude: readonly PlacedTagRule[];
  /** Manifests that are meant whatever names them. */
  readonly digests: readonly Digest[];
  /** Of the tags that rules other than names match, so many of the newest alone; see `compareTags`. */
  readonly latest: number | undefined;
  /** Of the same, those whose images were created at most so many milliseconds ago. */
  readonly maxAgeMs: number | undefined;
  /**
   * Of an index, the images for these platforms; all where it is `undefined`. One: its manifest gets the tag. Several: the
   * index keeps its digest, and only these of its manifests come along.
   */
  readonly platforms: readonly Platform[] | undefined;
  readonly referrers: boolean;
}

/** What a `mirror.yaml` says. Plain data, made without network or files. */
export interface MirrorPlan {
  /** No two have the same registry and repository, or the same target. */
  readonly repositories: readonly MirrorRepository[];
  /** By registry, host with port; `*` is for all that are not named. */
  readonly hosts: Readonly<Record<string, HostLimits>>;
}

/** One image that was chosen: what a tag, or nothing but its digest, stood for. */
export interface ChosenImage {
  /** Host with port. */
  readonly registry: string;
  readonly repository: string;
  readonly target: string;
  /** `undefined` where it was chosen by its digest. */
  readonly tag: string | undefined;
  /** What the tag names at the source. */
  readonly digest: Digest;
}

/** What a lock file says. */
export interface MirrorLock {
  /** In the order of their targets and tags. */
  readonly images: readonly LockedImage[];
}

/** A chosen image, and what was found to refer to it. */
export interface LockedImage extends ChosenImage {
  /** Digests of the signatures, attestations and the like of it and of what is below it, sorted. */
  readonly referrers: readonly Digest[];
}
