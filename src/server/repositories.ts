import { type Call, unstoppable } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { maxManifestSize } from "../model/manifest.ts";
import type { IndexEntry } from "../store/layout/index-entry.ts";
import type { LayoutSource } from "../store/layout/layout-source.ts";
import { type PlacedEntry, placeEntries } from "../store/layout/placement.ts";
import { compareNames } from "./compare-names.ts";
import { type ManifestFacts, readManifestFacts } from "./manifest-facts.ts";
import { type RepositoryView, viewRepository } from "./repository-view.ts";

/** Everything derived from one state of the index. */
interface Derived {
  readonly repositories: ReadonlyMap<string, readonly PlacedEntry[]>;
  readonly views: Map<string, Promise<RepositoryView>>;
}

/** Most manifests whose facts are remembered. */
const maxRemembered = 50_000;

/**
 * The repositories of a registry over one layout or archive. The content is in one place for all of them; a repository
 * shows what its own manifests refer to, and what was uploaded or mounted into it since the server started. What
 * other processes write to the layout is seen at once.
 */
export class Repositories {
  /** The repository of images that name none. */
  readonly base: string;
  readonly #images: LayoutSource;
  readonly #derived = new WeakMap<readonly IndexEntry[], Derived>();
  readonly #facts = new Map<Digest, ManifestFacts>();
  /** What this process added to (`true`) or took from (`false`) a repository, over what its manifests say. */
  readonly #links = new Map<string, Map<Digest, boolean>>();

  constructor(images: LayoutSource, base: string) {
    this.#images = images;
    this.base = base;
  }

  /** The repositories that have a manifest, sorted. */
  async names(call: Call): Promise<readonly string[]> {
    const { repositories } = await this.#read(call);
    return [...repositories.keys()].sort(compareNames);
  }

  /** The repository's tags, sorted; `undefined` when it has no manifest at all. */
  async tags(repository: string, call: Call): Promise<readonly string[] | undefined> {
    const placed = (await this.#read(call)).repositories.get(repository);
    return placed && [...new Set(placed.flatMap(({ tag }) => tag ?? []))].sort(compareNames);
  }

  /** The manifest a tag names. Of several entries the last counts. */
  async findTag(repository: string, tag: string, call: Call): Promise<Descriptor | undefined> {
    const placed = (await this.#read(call)).repositories.get(repository);
    return placed?.findLast((candidate) => candidate.tag === tag)?.entry.descriptor;
  }

  async findManifest(repository: string, digest: Digest, call: Call): Promise<Descriptor | undefined> {
    const placed = (await this.#read(call)).repositories.get(repository);
    const listed = placed?.find(({ entry }) => entry.descriptor.digest === digest);
    if (listed !== undefined) return listed.entry.descriptor;
    if (this.#links.get(repository)?.get(digest) === false) return undefined;
    return (await this.#view(repository, call)).manifests.get(digest);
  }

  /** The size in bytes of a blob that the repository shows. */
  async blobSize(repository: string, digest: Digest, call: Call): Promise<number | undefined> {
    return (await this.#shows(repository, digest, call)) ? this.#images.content.size(digest) : undefined;
  }

  async referrers(repository: string, subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    const found = (await this.#view(repository, call)).referrers.get(subject) ?? [];
    const links = this.#links.get(repository);
    return found.filter(({ digest }) => links?.get(digest) !== false);
  }

  /** Makes a blob that is in the layout appear in the repository. */
  link(repository: string, digest: Digest): void {
    this.#setLink(repository, digest, true);
  }

  /** Makes content disappear from the repository, whatever its manifests say. */
  hide(repository: string, digest: Digest): void {
    this.#setLink(repository, digest, false);
  }

  /** Forgets what was known of a manifest that was written anew. */
  async refresh(repository: string, digest: Digest, call: Call): Promise<void> {
    this.#links.get(repository)?.delete(digest);
    (await this.#read(call)).views.delete(repository);
  }

  /** Forgets all of content that is not there any more, so that it can come back from whomever. */
  async forget(digest: Digest, call: Call): Promise<void> {
    for (const links of this.#links.values()) links.delete(digest);
    this.#facts.delete(digest);
    (await this.#read(call)).views.clear();
  }

  /** Whether any repository shows the blob or manifest. */
  async isShown(digest: Digest, call: Call): Promise<boolean> {
    for (const name of new Set([...(await this.names(call)), ...this.#links.keys()])) {
      if ((await this.#shows(name, digest, call)) || (await this.findManifest(name, digest, call)))
        return true;
    }
    return false;
  }

  async #shows(repository: string, digest: Digest, call: Call): Promise<boolean> {
    const linked = this.#links.get(repository)?.get(digest);
    return linked ?? (await this.#view(repository, call)).blobs.has(digest);
  }

  #setLink(repository: string, digest: Digest, shown: boolean): void {
    const links = this.#links.get(repository) ?? new Map<Digest, boolean>();
    this.#links.set(repository, links);
    links.set(digest, shown);
  }

  async #read(call: Call): Promise<Derived> {
    const entries = await this.#images.content.entries(call);
    const known = this.#derived.get(entries);
    if (known !== undefined) return known;
    const placed = placeEntries(entries, this.base);
    const derived: Derived = {
      repositories: Map.groupBy(placed, ({ repository }) => repository),
      views: new Map(),
    };
    this.#derived.set(entries, derived);
    return derived;
  }

  async #view(repository: string, call: Call): Promise<RepositoryView> {
    const { repositories, views } = await this.#read(call);
    const known = views.get(repository);
    if (known !== undefined) return known;
    const listed = (repositories.get(repository) ?? []).map(({ entry }) => entry.descriptor);
    if (listed.length === 0) return emptyView;
    const view = viewRepository(listed, (descriptor) => this.#readFacts(descriptor));
    views.set(repository, view);
    view.catch(() => views.delete(repository));
    return view;
  }

  async #readFacts(descriptor: Descriptor): Promise<ManifestFacts | undefined> {
    const { digest, mediaType } = descriptor;
    const known = this.#facts.get(digest);
    if (known !== undefined) return known;
    let facts: ManifestFacts;
    try {
      const content = await this.#images.fetch(descriptor, unstoppable);
      const bytes = await collect(content, maxManifestSize, digest);
      facts = readManifestFacts(bytes, mediaType, digest);
    } catch (error) {
      if (error instanceof ComposeImageError && error.code !== "LOCAL_IO") return undefined;
      throw error;
    }
    if (this.#facts.size >= maxRemembered) this.#facts.clear();
    this.#facts.set(digest, facts);
    return facts;
  }
}

const emptyView: RepositoryView = { manifests: new Map(), blobs: new Set(), referrers: new Map() };
