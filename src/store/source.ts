import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";

/** How a manifest is asked for. */
export type ManifestSelector = { readonly tag: string } | { readonly digest: Digest };

/** A manifest or index with the very bytes its digest is of. */
export interface StoredManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Where a registry could mount blobs from. */
export interface MountOrigin {
  /** The registry's host, with port. */
  readonly registry: string;
  readonly repository: string;
}

/** A place images are read from: one repository of a registry, one OCI layout, … */
export interface Source {
  /** For messages: `registry.example/team/app`, `oci:build/app`. */
  readonly name: string;
  /**
   * Set where another repository of the same registry can mount this one's blobs. It says where the image really is, and
   * so may change until its manifest has been read.
   */
  readonly mountOrigin?: MountOrigin | undefined;

  /**
   * The descriptor a tag or digest stands for, by the cheapest means there is.
   *
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` and whatever the transport gives.
   */
  resolve(selector: ManifestSelector, call: Call): Promise<Descriptor>;

  /**
   * The manifest or index itself, at most 4 MiB, its digest checked against the selector's and the store's.
   *
   * @throws ComposeImageError `MANIFEST_NOT_FOUND`, `DIGEST_MISMATCH`, `LIMIT_EXCEEDED` and the transport's.
   */
  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest>;

  /**
   * A blob's content, which **fails at its end unless size and digest match** the descriptor's. Nothing read from it
   * counts before its end is reached.
   *
   * @throws ComposeImageError `BLOB_NOT_FOUND` and the transport's, now or while reading; `DIGEST_MISMATCH` or
   *   `SIZE_MISMATCH` while reading.
   */
  fetch(descriptor: Descriptor, call: Call): Promise<Content>;
}

/** A source that can also be asked what it holds. */
export interface ListedSource extends Source {
  /** What is listed only because it refers to another manifest, whether or not that is there; where a store lists such. */
  attached?(call: Call): Promise<readonly Descriptor[]>;

  /** What a tag names, by the cheapest means there is; `undefined` where there is no such tag. */
  find(tag: string, call: Call): Promise<Descriptor | undefined>;

  /**
   * All tags, in the store's order.
   *
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` for a repository that is not there, `LIMIT_EXCEEDED` for lists without
   *   end; the transport's.
   */
  listTags(call: Call): AsyncIterable<string>;

  /**
   * The manifests that name this one as their subject, whether or not that is there: by the referrers API, or from where
   * there is none by the fallback tag. Only a plain answer that there are none gives an empty list.
   *
   * @throws ComposeImageError the transport's, `LIMIT_EXCEEDED`, `MANIFEST_INVALID`.
   */
  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]>;

  /** What is listed though it has no tag, but for referrers; where a store lists such. */
  untagged?(call: Call): Promise<readonly Descriptor[]>;

  /** A blob's bytes from `start` on, **not verified**, where they can be had without those before. */
  fetchFrom?(descriptor: Descriptor, start: number, call: Call): Promise<Content>;
}
