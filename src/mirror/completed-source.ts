import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ListedSource, ManifestSelector, StoredManifest } from "../store/source.ts";

/** A source that lacks manifests which the target has, as a delta does: they are read from there. */
export class CompletedSource implements ListedSource {
  readonly name: string;
  readonly fetchFrom?: NonNullable<ListedSource["fetchFrom"]>;
  readonly #source: ListedSource;
  readonly #target: ListedSource;

  constructor(source: ListedSource, target: ListedSource) {
    this.name = source.name;
    this.#source = source;
    this.#target = target;
    const { fetchFrom } = source;
    if (fetchFrom !== undefined) this.fetchFrom = (...asked) => fetchFrom.apply(source, asked);
  }

  resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    return this.#first((store) => store.resolve(selector, call), selector);
  }

  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    return this.#first((store) => store.manifest(selector, call), selector);
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

  /** A tag is the source's alone. */
  async #first<T>(ask: (store: ListedSource) => Promise<T>, selector: ManifestSelector): Promise<T> {
    try {
      return await ask(this.#source);
    } catch (error) {
      const isMissing = error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND";
      if (!isMissing || "tag" in selector) throw error;
      return ask(this.#target);
    }
  }
}
