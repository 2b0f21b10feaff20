import type { Call } from "../io/call.ts";
import type { OpenContent } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ListedSource, MountOrigin, StoredManifest } from "./source.ts";

/** A place images are written to. Everything written can be read back through the {@link ListedSource} side. */
export interface Target extends ListedSource {
  /** Whether the blob or manifest is already there, with this digest. */
  exists(descriptor: Descriptor, call: Call): Promise<boolean>;

  /**
   * Whether a manifest that is there has all that is below it there as well. Where this is not defined it has to be looked
   * at.
   */
  holdsWhole?(manifest: Digest): boolean;

  /**
   * Writes a blob. Idempotent: a blob that is there already is success, though it may be sent again: ask `exists`
   * first. On failure nothing can be seen under the digest. `open` may be called again for a retry.
   *
   * @throws ComposeImageError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `REGISTRY_REJECTED` and the transport's.
   */
  push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void>;

  /**
   * Makes a blob of another repository appear in this one without sending it. Gives `false` where that is not
   * possible; then the blob has to be pushed.
   */
  mount(descriptor: Descriptor, from: MountOrigin, call: Call): Promise<boolean>;

  /**
   * Writes a manifest or index under its digest. What it refers to must be there. Idempotent; moves no tag.
   *
   * @throws ComposeImageError `BLOB_UNKNOWN` when the store says that it is not; the transport's.
   */
  pushManifest(manifest: StoredManifest, call: Call): Promise<void>;

  /** Makes the tag name the manifest, atomically. Last step of any push, but for {@link commit}. */
  tag(manifest: StoredManifest, tag: string, call: Call): Promise<void>;

  /**
   * Makes manifests, which are there, be found as referrers of another one. Idempotent; referrers that others have attached
   * stay.
   *
   * @param referrers as a listing of referrers describes them.
   */
  attach(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void>;

  /**
   * Makes a manifest without a tag be found, where one that only is there would not be: in layouts. Idempotent.
   *
   * @throws ComposeImageError the transport's.
   */
  keep?(manifest: StoredManifest, call: Call): Promise<void>;

  /** Says which blobs are likely to be pushed, in the order in which they are best kept; where that matters. */
  expect?(blobs: readonly Descriptor[]): void;

  /**
   * Makes all that was written and tagged appear, where that happens at once and not tag by tag. What comes after it
   * needs another one.
   */
  commit?(call: Call): Promise<void>;
}
