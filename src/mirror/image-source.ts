import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ListedSource, ManifestSelector, MountOrigin, StoredManifest } from "../store/source.ts";

/**
 * The source of one image, which is asked for the manifest that gets the tag once, however many steps want it: registries
 * count these requests, and limit them.
 */
export class ImageSource implements ListedSource {
  readonly name: string;
  readonly fetchFrom?: NonNullable<ListedSource["fetchFrom"]>;
  readonly #source: ListedSource;
  readonly #once: Set<Digest>;
  readonly #manifests = new Map<Digest, StoredManifest>();

  /** @param once the manifests that are asked for once. */
  constructor(source: ListedSource, ...once: readonly Digest[]) {
    this.name = source.name;
    this.#source = source;
    this.#once = new Set(once);
    const { fetchFrom } = source;
    if (fetchFrom !== undefined) this.fetchFrom = (...asked) => fetchFrom.apply(source, asked);
  }

  get mountOrigin(): MountOrigin | undefined {
    return this.#source.mountOrigin;
  }

  /** Adds to the manifests that are asked for once. */
  expect(digest: Digest): void {
    this.#once.add(digest);
  }

  async manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    if (!("digest" in selector) || !this.#once.has(selector.digest)) {
      return this.#source.manifest(selector, call);
    }
    const manifest = this.#manifests.get(selector.digest) ?? (await this.#source.manifest(selector, call));
    this.#manifests.set(selector.digest, manifest);
    return manifest;
  }

  async resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    const known = "digest" in selector ? this.#manifests.get(selector.digest) : undefined;
    return known?.descriptor ?? this.#source.resolve(selector, call);
  }

  fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    return this.#source.fetch(descriptor, call);
  }

  find(tag: string, call: Call): Promise<Descriptor | undefined> {
    return this.#source.find(tag, call);
  }

  listTags(call: Call): AsyncIterable<string> {
    return this.#source.listTags(call);
  }

  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    return this.#source.referrers(subject, call);
  }
}
