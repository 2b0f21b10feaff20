import type { Call } from "../io/call.ts";
import type { Content, OpenContent } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { isManifestMediaType } from "../model/media-types.ts";
import { elsewhereAnnotation } from "../store/layout/kept-platforms.ts";
import type { ManifestSelector, MountOrigin, StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import type { Receiver } from "./receiver.ts";

/**
 * A repository in a delta: what the receiver has counts as being there, and is left out. Tags are written all the same, each
 * with its manifest, so that who loads the delta knows all that has to be there; and with the names of other repositories
 * that have what was left out.
 */
export class DeltaTarget implements Target {
  readonly name: string;
  readonly mountOrigin: MountOrigin | undefined;
  readonly expect?: (blobs: readonly Descriptor[]) => void;
  readonly commit?: (call: Call) => Promise<void>;
  readonly keep?: (manifest: StoredManifest, call: Call) => Promise<void>;
  readonly #target: Target;
  readonly #receiver: Receiver;
  readonly #repository: string;
  readonly #elsewhere = new Set<string>();

  constructor(target: Target, receiver: Receiver, repository: string) {
    this.name = target.name;
    this.mountOrigin = target.mountOrigin;
    this.#target = target;
    this.#receiver = receiver;
    this.#repository = repository;
    const { expect, commit, keep } = target;
    if (expect !== undefined) {
      this.expect = (blobs) =>
        expect.call(
          target,
          blobs.filter((blob) => !this.#isKnown(blob)),
        );
    }
    if (keep !== undefined)
      this.keep = (manifest, call) => keep.call(target, this.#described(manifest), call);
    if (commit !== undefined) this.commit = (call) => commit.call(target, call);
  }

  async exists(descriptor: Descriptor, call: Call): Promise<boolean> {
    if (!this.#isKnown(descriptor)) return this.#target.exists(descriptor, call);
    if (isManifestMediaType(descriptor.mediaType)) return true;
    const holders = this.#receiver.holders(descriptor.digest);
    if (!holders.includes(this.#repository))
      for (const holder of holders.slice(0, 1)) this.#elsewhere.add(holder);
    return true;
  }

  holdsWhole(manifest: Digest): boolean {
    return this.#receiver.hasManifest(this.#repository, manifest);
  }

  async tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    await this.#target.tag(this.#described(manifest), tag, call);
  }

  push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    return this.#target.push(descriptor, open, call);
  }

  mount(descriptor: Descriptor, from: MountOrigin, call: Call): Promise<boolean> {
    return this.#target.mount(descriptor, from, call);
  }

  pushManifest(manifest: StoredManifest, call: Call): Promise<void> {
    return this.#target.pushManifest(manifest, call);
  }

  attach(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void> {
    return this.#target.attach(subject, referrers, call);
  }

  find(tag: string, call: Call): Promise<Descriptor | undefined> {
    return this.#target.find(tag, call);
  }

  resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    return this.#target.resolve(selector, call);
  }

  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    return this.#target.manifest(selector, call);
  }

  fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    return this.#target.fetch(descriptor, call);
  }

  listTags(call: Call): AsyncIterable<string> {
    return this.#target.listTags(call);
  }

  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    return this.#target.referrers(subject, call);
  }

  /** With the names of the other repositories that have what was left out. */
  #described(manifest: StoredManifest): StoredManifest {
    const elsewhere = [...this.#elsewhere].sort().join(",");
    const { descriptor } = manifest;
    const annotations = {
      ...descriptor.annotations,
      ...(elsewhere !== "" && { [elsewhereAnnotation]: elsewhere }),
    };
    return { ...manifest, descriptor: { ...descriptor, annotations } };
  }

  #isKnown({ mediaType, digest }: Descriptor): boolean {
    if (isManifestMediaType(mediaType)) return this.#receiver.hasManifest(this.#repository, digest);
    return this.#receiver.holders(digest).length > 0;
  }
}
