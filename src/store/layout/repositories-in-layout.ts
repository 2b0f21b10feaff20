import type { Call } from "../../io/call.ts";
import type { IndexEntry } from "./index-entry.ts";
import type { LayoutSource } from "./layout-source.ts";
import { type PlacedEntry, placeEntries } from "./placement.ts";
import { RepositoryInLayout, type SharedLayout } from "./repository-in-layout.ts";
import type { WritableLayout } from "./writable-layout.ts";

/**
 * The repositories that live in one layout or archive: which entries are in which follows from their names, as `serve`
 * shows them. Their content is in one place for all.
 */
export class RepositoriesInLayout implements SharedLayout {
  readonly base: string;
  readonly images: LayoutSource;
  readonly writer: WritableLayout | undefined;
  readonly #repositories = new Map<string, RepositoryInLayout>();
  #placed:
    | {
        readonly entries: readonly IndexEntry[];
        readonly groups: ReadonlyMap<string, readonly PlacedEntry[]>;
      }
    | undefined;

  /** @param writer the same layout, where it is to be written to. */
  constructor(images: LayoutSource, base: string, writer?: WritableLayout) {
    this.images = images;
    this.base = base;
    this.writer = writer;
  }

  async names(call: Call): Promise<readonly string[]> {
    return [...(await this.#groups(call)).keys()].sort();
  }

  /** A repository, there or not; the same object for the same path. */
  repository(path: string): RepositoryInLayout {
    const known = this.#repositories.get(path) ?? new RepositoryInLayout(this, path);
    this.#repositories.set(path, known);
    return known;
  }

  async entries(path: string, call: Call): Promise<readonly PlacedEntry[]> {
    return (await this.#groups(call)).get(path) ?? none;
  }

  async #groups(call: Call): Promise<ReadonlyMap<string, readonly PlacedEntry[]>> {
    const entries = await this.images.content.entries(call);
    if (this.#placed?.entries !== entries) {
      const groups = Map.groupBy(placeEntries(entries, this.base), ({ repository }) => repository);
      this.#placed = { entries, groups };
    }
    return this.#placed.groups;
  }
}

const none: readonly PlacedEntry[] = [];
