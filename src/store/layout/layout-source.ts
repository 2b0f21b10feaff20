import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import type { Content } from "../../io/content.ts";
import type { Side } from "../../io/transfer.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { maxManifestSize, parseManifest } from "../../model/manifest.ts";
import type { ListedSource, ManifestSelector, StoredManifest } from "../source.ts";
import type { ContentExtent } from "./file-content.ts";
import { type IndexEntry, refName } from "./index-entry.ts";
import { referrersIn } from "./referrers-in.ts";
import { soleImage } from "./sole-image.ts";

/** What a layout holds, wherever it is kept: in a directory, in an archive. */
export interface LayoutContent {
  /** What `index.json` lists; the same object as before unless that was changed. */
  entries(call: Call): Promise<readonly IndexEntry[]>;
  /** A blob's size in bytes; `undefined` when there is none. */
  size(digest: Digest): Promise<number | undefined>;
  /** A blob's bytes, all of them unless an extent is given, **not verified**. */
  read(digest: Digest, call: Call, extent?: ContentExtent): Content;
  /** Makes of what reading a blob threw an error that says more of where it lies. */
  explain?(digest: Digest, error: unknown): unknown;
}

/** Reads images from an OCI image layout. A tag is whatever an entry of `index.json` has as its ref name. */
export class LayoutSource implements ListedSource {
  readonly name: string;
  /** The layout in messages: `builder oci:build/app`. */
  readonly subject: string;
  readonly content: LayoutContent;
  #referrers:
    | { readonly entries: readonly IndexEntry[]; readonly found: ReadonlyMap<Digest, readonly Descriptor[]> }
    | undefined;

  /** @param name the layout as it is written on the command line: `oci:build/app`. */
  constructor(name: string, content: LayoutContent, side?: Side) {
    this.name = name;
    this.subject = side === undefined ? name : `${side} ${name}`;
    this.content = content;
  }

  /** The tags there are, in the order of `index.json`. */
  async tags(call: Call): Promise<readonly string[]> {
    const entries = await this.content.entries(call);
    return [...new Set(entries.flatMap((entry) => refName(entry) ?? []))];
  }

  async *listTags(call: Call): AsyncGenerator<string> {
    yield* await this.tags(call);
  }

  find(tag: string, call: Call): Promise<Descriptor | undefined> {
    return this.#find({ tag }, call);
  }

  /** All that `index.json` lists is read for it, once. */
  async referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    const entries = await this.content.entries(call);
    if (this.#referrers?.entries !== entries) {
      const read = async (entry: Descriptor): Promise<StoredManifest> => ({
        descriptor: entry,
        bytes: await this.#read(entry, `${this.subject}: manifest`, call),
      });
      const tagged = entries.map((entry) => ({ descriptor: entry.descriptor, tag: refName(entry) }));
      this.#referrers = { entries, found: await referrersIn(tagged, read, this.subject) };
    }
    return this.#referrers.found.get(subject) ?? [];
  }

  /**
   * What the layout without a tag means: its only image.
   *
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is none, or there are several; then it lists the tags.
   */
  async soleImage(call: Call): Promise<Descriptor> {
    return soleImage(await this.content.entries(call), this.name, this.subject);
  }

  async resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    const found = await this.#find(selector, call);
    return found ?? (await this.manifest(selector, call)).descriptor;
  }

  async manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    const subject = `${this.subject}${formatSelector(selector)}`;
    const found = await this.#find(selector, call);
    if (found !== undefined) {
      const bytes = await this.#read(found, subject, call);
      parseManifest(bytes, found.mediaType, subject);
      return { descriptor: found, bytes };
    }
    const digest = "digest" in selector ? selector.digest : undefined;
    const size = digest && (await this.content.size(digest));
    if (digest === undefined || size === undefined) throw await this.#notFound(selector, call);
    const bytes = await this.#read({ mediaType: "", digest, size }, subject, call);
    const { mediaType } = parseManifest(bytes, "", subject);
    return { descriptor: { mediaType, digest, size }, bytes };
  }

  async fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    await this.#expectBlob(descriptor, call);
    const content = verify(this.content.read(descriptor.digest, call), descriptor, `${this.subject}: blob`);
    return this.content.explain === undefined ? content : this.#explained(content, descriptor.digest);
  }

  async fetchFrom(descriptor: Descriptor, start: number, call: Call): Promise<Content> {
    await this.#expectBlob(descriptor, call);
    return this.content.read(descriptor.digest, call, { start });
  }

  /** Whether the blob or manifest is there, with this size. */
  async exists(descriptor: Descriptor, call: Call): Promise<boolean> {
    call.signal.throwIfAborted();
    return (await this.content.size(descriptor.digest)) === descriptor.size;
  }

  /** The descriptor `index.json` has; `undefined` when it has none. */
  async #find(selector: ManifestSelector, call: Call): Promise<Descriptor | undefined> {
    call.signal.throwIfAborted();
    const entries = await this.content.entries(call);
    const matching = entries.filter((entry) => matches(entry, selector));
    const digests = new Set<Digest>(matching.map((entry) => entry.descriptor.digest));
    if (digests.size > 1) {
      throw new ComposeImageError(
        "LAYOUT_INVALID",
        `${this.subject}${formatSelector(selector)} names ${digests.size} images: ${[...digests].join(", ")}`,
        { hint: "Give each image of the layout a tag of its own." },
      );
    }
    return matching[0]?.descriptor;
  }

  async *#explained(content: Content, digest: Digest): AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } catch (error) {
      throw this.content.explain?.(digest, error);
    }
  }

  async #expectBlob({ digest }: Descriptor, call: Call): Promise<void> {
    call.signal.throwIfAborted();
    if ((await this.content.size(digest)) !== undefined) return;
    throw new ComposeImageError("BLOB_NOT_FOUND", `${this.subject} has no blob ${digest}`, {
      hint: "The layout is incomplete; write it again with the tool that made it.",
    });
  }

  async #read(descriptor: Descriptor, subject: string, call: Call): Promise<Uint8Array> {
    if (descriptor.size > maxManifestSize) throw manifestTooLarge(subject);
    if ((await this.content.size(descriptor.digest)) === undefined) {
      throw new ComposeImageError("MANIFEST_NOT_FOUND", `${subject}: ${descriptor.digest} is missing`, {
        hint: "The layout is incomplete; write it again with the tool that made it.",
      });
    }
    return collect(await this.fetch(descriptor, call), maxManifestSize, subject);
  }

  async #notFound(selector: ManifestSelector, call: Call): Promise<ComposeImageError> {
    const tags = await this.tags(call);
    return new ComposeImageError("MANIFEST_NOT_FOUND", `${this.subject} has no ${selectorNoun(selector)}`, {
      hint: tags.length === 0 ? "The layout has no tags." : `Its tags are ${tags.join(", ")}.`,
    });
  }
}

/** The error for a manifest above the limit of {@link maxManifestSize}. */
export function manifestTooLarge(subject: string): ComposeImageError {
  return new ComposeImageError(
    "LIMIT_EXCEEDED",
    `${subject} is larger than the limit of ${maxManifestSize} bytes`,
  );
}

function matches(entry: IndexEntry, selector: ManifestSelector): boolean {
  return "tag" in selector ? refName(entry) === selector.tag : entry.descriptor.digest === selector.digest;
}

function formatSelector(selector: ManifestSelector): string {
  return "tag" in selector ? `:${selector.tag}` : `@${selector.digest}`;
}

function selectorNoun(selector: ManifestSelector): string {
  return "tag" in selector ? `tag ${selector.tag}` : `manifest ${selector.digest}`;
}
