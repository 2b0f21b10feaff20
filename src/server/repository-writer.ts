import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { type IndexEntry, indexEntry, refName, refNameAnnotation } from "../store/layout/index-entry.ts";
import type { LayoutStore } from "../store/layout/layout-store.ts";
import type { StoredManifest } from "../store/source.ts";
import { isAt, type Placement, placeEntries, placementAnnotations, placementOf } from "./placement.ts";
import type { Repositories } from "./repositories.ts";

/**
 * Changes the repositories of a layout. What is listed and what is removed is decided under the lock of the index, so that
 * several processes can change one layout: no tag gets lost, and no manifest is listed whose content another one removed.
 */
export class RepositoryWriter {
  readonly #layout: LayoutStore;
  readonly #repositories: Repositories;

  constructor(layout: LayoutStore, repositories: Repositories) {
    this.#layout = layout;
    this.#repositories = repositories;
  }

  /**
   * Writes a manifest into the repository, and makes the tag name it if there is one.
   *
   * @param needed what the manifest refers to.
   * @returns what of that was removed meanwhile; then nothing is listed.
   */
  async putManifest(
    manifest: StoredManifest,
    needed: readonly Digest[],
    placement: Placement,
    call: Call,
  ): Promise<readonly Digest[]> {
    const missing: Digest[] = [];
    await this.#layout.pushManifest(manifest, call);
    await this.#layout.index.update(async (entries) => {
      for (const digest of needed) {
        if ((await this.#layout.blobs.size(digest)) === undefined) missing.push(digest);
      }
      if (missing.length > 0) return entries;
      await this.#layout.pushManifest(manifest, call);
      return this.#placed(entries, manifest.descriptor, placement);
    }, call);
    await this.#repositories.refresh(placement.repository, manifest.descriptor.digest, call);
    return missing;
  }

  /** Takes a tag away; the manifest stays. Gives `false` when there is no such tag. */
  async deleteTag(repository: string, tag: string, call: Call): Promise<boolean> {
    if ((await this.#repositories.findTag(repository, tag, call)) === undefined) return false;
    await this.#layout.index.update((entries) => this.#untagged(entries, { repository, tag }), call);
    return true;
  }

  /** Takes a manifest and its tags out of the repository. Gives `false` when there is no such manifest. */
  async deleteManifest(repository: string, digest: Digest, call: Call): Promise<boolean> {
    if ((await this.#repositories.findManifest(repository, digest, call)) === undefined) return false;
    await this.#layout.index.update((entries) => {
      const kept = entries.filter(
        (entry) => entry.descriptor.digest !== digest || this.#placementOf(entry).repository !== repository,
      );
      return kept.length === entries.length ? entries : kept;
    }, call);
    await this.#remove(repository, digest, call);
    return true;
  }

  /** Takes a blob out of the repository. Gives `false` when there is no such blob. */
  async deleteBlob(repository: string, digest: Digest, call: Call): Promise<boolean> {
    if ((await this.#repositories.blobSize(repository, digest, call)) === undefined) return false;
    await this.#remove(repository, digest, call);
    return true;
  }

  /** Hides the content from one repository, and removes it once none shows it. */
  async #remove(repository: string, digest: Digest, call: Call): Promise<void> {
    this.#repositories.hide(repository, digest);
    await this.#layout.index.update(async (entries) => {
      if (await this.#repositories.isShown(digest, call)) return entries;
      await this.#layout.blobs.remove(digest);
      await this.#repositories.forget(digest, call);
      return entries;
    }, call);
  }

  #placementOf(entry: IndexEntry): Placement {
    return placementOf(entry, this.#repositories.base);
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
        entry.descriptor.digest === descriptor.digest && this.#placementOf(entry).repository === repository,
    );
    if (tag === undefined) {
      return same.length > 0
        ? entries
        : [...entries, indexEntry(descriptor, placementAnnotations(placement))];
    }
    const tagged = entries.filter((entry) => isAt(this.#placementOf(entry), placement));
    if (tagged.length === 1 && tagged[0]?.descriptor.digest === descriptor.digest) return entries;
    const spelling = tagged[0] && refName(tagged[0]);
    const alike = spelling && indexEntry(descriptor, { [refNameAnnotation]: spelling });
    const superseded = new Set(same.filter((entry) => this.#placementOf(entry).tag === undefined));
    const others = this.#untagged(entries, placement).filter((entry) => !superseded.has(entry));
    const added =
      alike && isAt(this.#placementOf(alike), placement)
        ? alike
        : indexEntry(descriptor, placementAnnotations(placement));
    return [...others, added];
  }

  /** The entries without the tag; a manifest that nothing else lists in the repository stays listed by digest. */
  #untagged(entries: readonly IndexEntry[], placement: Placement): readonly IndexEntry[] {
    const { repository } = placement;
    const at = new Set(
      placeEntries(entries, this.#repositories.base)
        .filter((placed) => isAt(placed, placement))
        .map(({ entry }) => entry),
    );
    const kept = entries.filter((entry) => !at.has(entry));
    const listed = new Set(
      kept
        .filter((entry) => this.#placementOf(entry).repository === repository)
        .map((entry) => entry.descriptor.digest),
    );
    const orphans = [...at].filter((entry) => !listed.has(entry.descriptor.digest));
    return [
      ...kept,
      ...orphans.map((entry) => indexEntry(entry.descriptor, placementAnnotations({ repository }))),
    ];
  }
}
