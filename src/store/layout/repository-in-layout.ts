import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { ListedSource, ManifestSelector, StoredManifest } from "../source.ts";
import type { Target } from "../target.ts";
import type { IndexEntry } from "./index-entry.ts";
import type { LayoutSource } from "./layout-source.ts";
import { inOrder, withPlaced } from "./place-entry.ts";
import { type PlacedEntry, placementAnnotations, placementOf } from "./placement.ts";
import { isReferrerEntry, listedReferrer, referrerEntry, referrersIn } from "./referrers-in.ts";
import type { EntryChange, WritableLayout } from "./writable-layout.ts";

/** A layout that several repositories live in. */
export interface SharedLayout {
  readonly images: LayoutSource;
  /** The same layout, where it is to be written to. */
  readonly writer: WritableLayout | undefined;
  /** The repository of entries that name none. */
  readonly base: string;
  /** The paths of the repositories that have an entry, sorted. */
  names(call: Call): Promise<readonly string[]>;
  /** The entries of one repository; the same object as before unless the layout's were changed. */
  entries(path: string, call: Call): Promise<readonly PlacedEntry[]>;
}

/**
 * One of several repositories that live in a layout. A tag of it is the ref name `repository:tag` there; what has no tag
 * carries the repository in an annotation. Content is the layout's: what one repository brought, all have.
 */
export class RepositoryInLayout implements Target {
  readonly name: string;
  /** There where the layout's order of blobs matters. */
  readonly expect?: NonNullable<Target["expect"]>;
  /** There where the layout's blobs can be read from the middle. */
  readonly fetchFrom?: NonNullable<ListedSource["fetchFrom"]>;
  readonly #layout: SharedLayout;
  readonly #repository: string;
  #referrers:
    | { readonly placed: readonly PlacedEntry[]; readonly found: ReadonlyMap<Digest, readonly Descriptor[]> }
    | undefined;

  constructor(layout: SharedLayout, repository: string) {
    this.name = `${layout.images.name}:${repository}`;
    this.#layout = layout;
    this.#repository = repository;
    const { writer } = layout;
    const images: ListedSource = layout.images;
    if (images.fetchFrom !== undefined) this.fetchFrom = images.fetchFrom.bind(images);
    if (writer?.expect !== undefined) this.expect = (blobs) => writer.expect?.(blobs);
  }

  async find(tag: string, call: Call): Promise<Descriptor | undefined> {
    call.signal.throwIfAborted();
    return (await this.#placed(call)).findLast((placed) => placed.tag === tag)?.entry.descriptor;
  }

  async *listTags(call: Call): AsyncGenerator<string> {
    const placed = await this.#placed(call);
    if (placed.length === 0) {
      throw new ComposeImageError("MANIFEST_NOT_FOUND", `${this.#subject} is not there`, {
        hint: `The repositories there: ${(await this.#layout.names(call)).join(", ") || "none"}.`,
      });
    }
    yield* new Set(placed.flatMap(({ tag }) => tag ?? []));
  }

  async untagged(call: Call): Promise<readonly Descriptor[]> {
    return (await this.#placed(call))
      .filter(({ tag, entry }) => tag === undefined && !isReferrerEntry(entry))
      .map(({ entry }) => entry.descriptor);
  }

  async resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    return "tag" in selector ? this.#tagged(selector.tag, call) : this.#layout.images.resolve(selector, call);
  }

  async manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    if ("digest" in selector) return this.#layout.images.manifest(selector, call);
    const descriptor = await this.#tagged(selector.tag, call);
    return this.#layout.images.manifest({ digest: descriptor.digest }, call);
  }

  /** All that the repository lists is read for it, once. What is not there, as in a delta, is what its entry says. */
  async referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    const placed = await this.#placed(call);
    if (this.#referrers?.placed !== placed) {
      const entries = placed.map(({ entry, tag }) => ({ descriptor: entry.descriptor, tag }));
      const read = ({ digest }: Descriptor) => this.#layout.images.manifest({ digest }, call);
      const found = await referrersIn(entries, read, this.#subject);
      this.#referrers = { placed, found: await this.#withAbsent(found, placed, call) };
    }
    return this.#referrers.found.get(subject) ?? [];
  }

  async attached(call: Call): Promise<readonly Descriptor[]> {
    return (await this.#placed(call))
      .filter(({ entry }) => isReferrerEntry(entry))
      .map(({ entry }) => entry.descriptor);
  }

  fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    return this.#layout.images.fetch(descriptor, call);
  }

  exists(descriptor: Descriptor, call: Call): Promise<boolean> {
    return this.#layout.images.exists(descriptor, call);
  }

  async push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    await this.#writer.push(descriptor, open, call);
  }

  /** Always `false`: what another repository of the layout has is here already. */
  async mount(): Promise<boolean> {
    return false;
  }

  async pushManifest(manifest: StoredManifest, call: Call): Promise<void> {
    await this.#writer.pushManifest(manifest, call);
  }

  /** What had the tag before is not listed any more, unless it was besides. */
  async tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    await this.#place(manifest, tag, call);
  }

  async keep(manifest: StoredManifest, call: Call): Promise<void> {
    await this.#place(manifest, undefined, call);
  }

  async attach(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void> {
    const repository = this.#repository;
    const annotations = placementAnnotations({ repository });
    await this.#change((entries) => {
      const mine = entries.filter((entry) => placementOf(entry, this.#layout.base).repository === repository);
      const listed = new Set(mine.map(({ descriptor }) => descriptor.digest));
      const added = referrers.filter(({ digest }) => !listed.has(digest));
      if (added.length === 0) return entries;
      return [...entries, ...added.map((referrer) => referrerEntry(referrer, subject, annotations))];
    }, call);
  }

  async #place(manifest: StoredManifest, tag: string | undefined, call: Call): Promise<void> {
    await this.#writer.pushManifest(manifest, call);
    const placement = { repository: this.#repository, ...(tag !== undefined && { tag }) };
    await this.#change((entries) => {
      const placed = withPlaced(entries, manifest.descriptor, placement, this.#layout.base);
      if (tag === undefined || placed === entries) return placed;
      const before = new Set(entries);
      const isOrphan = (entry: IndexEntry): boolean =>
        !before.has(entry) && placementOf(entry, this.#layout.base).tag === undefined;
      return placed.filter((entry) => !isOrphan(entry));
    }, call);
  }

  async #withAbsent(
    found: ReadonlyMap<Digest, readonly Descriptor[]>,
    placed: readonly PlacedEntry[],
    call: Call,
  ): Promise<ReadonlyMap<Digest, readonly Descriptor[]>> {
    const all = new Map(found);
    for (const { entry } of placed) {
      const listed = listedReferrer(entry);
      if (listed === undefined || (await this.exists(entry.descriptor, call))) continue;
      all.set(listed.subject, [...(all.get(listed.subject) ?? []), listed.descriptor]);
    }
    return all;
  }

  #change(change: EntryChange, call: Call): Promise<void> {
    return this.#writer.changeEntries((entries) => inOrder(entries, change(entries)), call);
  }

  async #tagged(tag: string, call: Call): Promise<Descriptor> {
    const found = await this.find(tag, call);
    if (found !== undefined) return found;
    const tags = new Set((await this.#placed(call)).flatMap((placed) => placed.tag ?? []));
    throw new ComposeImageError("MANIFEST_NOT_FOUND", `${this.#subject} has no tag ${tag}`, {
      hint: tags.size === 0 ? "It has no tags." : `Its tags are ${[...tags].join(", ")}.`,
    });
  }

  #placed(call: Call): Promise<readonly PlacedEntry[]> {
    return this.#layout.entries(this.#repository, call);
  }

  /** The repository in messages: `source oci:images:team/app`. */
  get #subject(): string {
    return `${this.#layout.images.subject}:${this.#repository}`;
  }

  get #writer(): WritableLayout {
    const { writer } = this.#layout;
    if (writer !== undefined) return writer;
    throw new ComposeImageError("INTERNAL", `${this.#subject} was opened to be read alone`);
  }
}
