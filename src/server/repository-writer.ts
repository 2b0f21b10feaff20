import type { Call } from "../io/call.ts";
import type { Digest } from "../model/digest.ts";
import type { IndexEntry } from "../store/layout/index-entry.ts";
import type { LayoutStore } from "../store/layout/layout-store.ts";
import { withoutTag, withPlaced } from "../store/layout/place-entry.ts";
import { type Placement, placementOf } from "../store/layout/placement.ts";
import type { StoredManifest } from "../store/source.ts";
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
      return withPlaced(entries, manifest.descriptor, placement, this.#repositories.base);
    }, call);
    await this.#repositories.refresh(placement.repository, manifest.descriptor.digest, call);
    return missing;
  }

  /** Takes a tag away; the manifest stays. Gives `false` when there is no such tag. */
  async deleteTag(repository: string, tag: string, call: Call): Promise<boolean> {
    if ((await this.#repositories.findTag(repository, tag, call)) === undefined) return false;
    const { base } = this.#repositories;
    await this.#layout.index.update((entries) => withoutTag(entries, { repository, tag }, base), call);
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
}
