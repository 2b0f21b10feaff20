import { type Call, unstoppable } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { maxManifestSize } from "../model/manifest.ts";
import { type IndexEntry, indexEntry, refName, refNameAnnotation } from "../store/layout/index-entry.ts";
import type { IndexSnapshot } from "../store/layout/index-file.ts";
import type { LayoutStore } from "../store/layout/layout-store.ts";
import type { StoredManifest } from "../store/source.ts";
import { compareNames } from "./compare-names.ts";
import { type ManifestFacts, readManifestFacts } from "./manifest-facts.ts";
import { baseRepositoryOf, type Placement, placementAnnotations, placementOf } from "./placement.ts";
import { type RepositoryView, viewRepository } from "./repository-view.ts";

interface PlacedEntry extends Placement {
  readonly entry: IndexEntry;
}

/** Everything derived from one state of `index.json`. */
interface Derived {
  readonly repositories: ReadonlyMap<string, readonly PlacedEntry[]>;
  readonly views: Map<string, Promise<RepositoryView>>;
}

/** Most manifests whose facts are remembered. */
const maxRemembered = 50_000;

/**
 * The repositories of a registry over one layout. The layout's content is in one place for all of them; a repository
 * shows what its own manifests refer to, and what was uploaded or mounted into it since the server started. What
 * other processes write to the layout is seen at once.
 */
export class Repositories {
  readonly #layout: LayoutStore;
  readonly #base: string;
  readonly #derived = new WeakMap<IndexSnapshot, Derived>();
  readonly #facts = new Map<Digest, ManifestFacts>();
  /** What this process added to (`true`) or took from (`false`) a repository, over what its manifests say. */
  readonly #links = new Map<string, Map<Digest, boolean>>();

  constructor(layout: LayoutStore) {
    this.#layout = layout;
    this.#base = baseRepositoryOf(layout.directory);
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
    if (this.#links.get(repository)?.get(digest) === false) return undefined;
    const placed = (await this.#read(call)).repositories.get(repository);
    const listed = placed?.find(({ entry }) => entry.descriptor.digest === digest);
    return listed?.entry.descriptor ?? (await this.#view(repository, call)).manifests.get(digest);
  }

  /** The size in bytes of a blob that the repository shows. */
  async blobSize(repository: string, digest: Digest, call: Call): Promise<number | undefined> {
    return (await this.#shows(repository, digest, call)) ? this.#layout.blobs.size(digest) : undefined;
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

  /** Writes a manifest into the repository, and makes the tag name it if there is one. */
  async putManifest(manifest: StoredManifest, placement: Placement, call: Call): Promise<void> {
    await this.#layout.pushManifest(manifest, call);
    await this.#layout.index.update((entries) => this.#placed(entries, manifest.descriptor, placement), call);
    this.#links.get(placement.repository)?.delete(manifest.descriptor.digest);
    (await this.#read(call)).views.delete(placement.repository);
  }

  /** Takes a tag away; the manifest stays. Gives `false` when there is no such tag. */
  async deleteTag(repository: string, tag: string, call: Call): Promise<boolean> {
    if ((await this.findTag(repository, tag, call)) === undefined) return false;
    await this.#layout.index.update((entries) => this.#untagged(entries, { repository, tag }), call);
    return true;
  }

  /** Takes a manifest and its tags out of the repository. Gives `false` when there is no such manifest. */
  async deleteManifest(repository: string, digest: Digest, call: Call): Promise<boolean> {
    if ((await this.findManifest(repository, digest, call)) === undefined) return false;
    await this.#layout.index.update((entries) => {
      const kept = entries.filter(
        (entry) =>
          entry.descriptor.digest !== digest || placementOf(entry, this.#base).repository !== repository,
      );
      return kept.length === entries.length ? entries : kept;
    }, call);
    await this.#hide(repository, digest, call);
    return true;
  }

  /** Takes a blob out of the repository. Gives `false` when there is no such blob. */
  async deleteBlob(repository: string, digest: Digest, call: Call): Promise<boolean> {
    if ((await this.blobSize(repository, digest, call)) === undefined) return false;
    await this.#hide(repository, digest, call);
    return true;
  }

  /** Hides the content from one repository, and removes it once none shows it. */
  async #hide(repository: string, digest: Digest, call: Call): Promise<void> {
    this.#setLink(repository, digest, false);
    const names = new Set([...(await this.names(call)), ...this.#links.keys()]);
    for (const name of names) {
      if ((await this.#shows(name, digest, call)) || (await this.findManifest(name, digest, call))) return;
    }
    this.#facts.delete(digest);
    await this.#layout.blobs.remove(digest);
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

  /** The entries with the descriptor put where the placement says. */
  #placed(
    entries: readonly IndexEntry[],
    descriptor: Descriptor,
    placement: Placement,
  ): readonly IndexEntry[] {
    const { repository, tag } = placement;
    const same = entries.filter(
      (entry) =>
        entry.descriptor.digest === descriptor.digest &&
        placementOf(entry, this.#base).repository === repository,
    );
    if (tag === undefined) {
      return same.length > 0
        ? entries
        : [...entries, indexEntry(descriptor, placementAnnotations(placement))];
    }
    const tagged = entries.filter((entry) => isAt(placementOf(entry, this.#base), placement));
    if (tagged.length === 1 && tagged[0]?.descriptor.digest === descriptor.digest) return entries;
    const spelling = tagged[0] && refName(tagged[0]);
    const annotations = {
      ...placementAnnotations(placement),
      ...(spelling !== undefined && { [refNameAnnotation]: spelling }),
    };
    const superseded = new Set(same.filter((entry) => placementOf(entry, this.#base).tag === undefined));
    const others = this.#untagged(entries, placement).filter((entry) => !superseded.has(entry));
    return [...others, indexEntry(descriptor, annotations)];
  }

  /** The entries without the tag; a manifest that nothing else lists in the repository stays listed by digest. */
  #untagged(entries: readonly IndexEntry[], placement: Placement): readonly IndexEntry[] {
    const { repository } = placement;
    const kept = entries.filter((entry) => !isAt(placementOf(entry, this.#base), placement));
    const listed = new Set(
      kept
        .filter((entry) => placementOf(entry, this.#base).repository === repository)
        .map((entry) => entry.descriptor.digest),
    );
    const orphans = entries.filter(
      (entry) => isAt(placementOf(entry, this.#base), placement) && !listed.has(entry.descriptor.digest),
    );
    return [
      ...kept,
      ...orphans.map((entry) => indexEntry(entry.descriptor, placementAnnotations({ repository }))),
    ];
  }

  async #read(call: Call): Promise<Derived> {
    const snapshot = await this.#layout.index.read(call);
    const known = this.#derived.get(snapshot);
    if (known !== undefined) return known;
    const placed = snapshot.entries.map((entry) => ({ ...placementOf(entry, this.#base), entry }));
    const derived: Derived = {
      repositories: Map.groupBy(placed, ({ repository }) => repository),
      views: new Map(),
    };
    this.#derived.set(snapshot, derived);
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
      const content = await this.#layout.fetch(descriptor, unstoppable);
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

function isAt(actual: Placement, wanted: Placement): boolean {
  return actual.repository === wanted.repository && actual.tag === wanted.tag;
}
