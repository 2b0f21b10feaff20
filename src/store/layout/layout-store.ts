import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import type { Side } from "../../io/transfer.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { maxManifestSize, parseManifest } from "../../model/manifest.ts";
import type { ManifestSelector, StoredManifest } from "../source.ts";
import type { Target } from "../target.ts";
import type { BlobDirectory } from "./blob-directory.ts";
import { type IndexEntry, indexEntry, refName, refNameAnnotation } from "./index-entry.ts";
import type { IndexFile } from "./index-file.ts";
import { soleImage } from "./sole-image.ts";

/**
 * An OCI image layout directory. A tag is whatever an entry of `index.json` has as its
 * `org.opencontainers.image.ref.name`; `repository:tag` is one too.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class LayoutStore implements Target {
  readonly name: string;
  readonly directory: string;
  readonly blobs: BlobDirectory;
  readonly index: IndexFile;

  /** The layout in messages: `builder oci:build/app`. */
  readonly #subject: string;

  /** Use `openLayout`, which checks that there is a layout. */
  constructor(directory: string, blobs: BlobDirectory, index: IndexFile, side?: Side) {
    this.name = `oci:${directory}`;
    this.#subject = side === undefined ? this.name : `${side} ${this.name}`;
    this.directory = directory;
    this.blobs = blobs;
    this.index = index;
  }

  /** The tags there are, in the order of `index.json`. */
  async tags(call: Call): Promise<readonly string[]> {
    const { entries } = await this.index.read(call);
    return [...new Set(entries.flatMap((entry) => refName(entry) ?? []))];
  }

  /**
   * What `oci:DIR` without a tag means: the layout's only image.
   *
   * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is none, or there are several; then it lists the tags.
   */
  async soleImage(call: Call): Promise<Descriptor> {
    return soleImage((await this.index.read(call)).entries, this.name, this.#subject);
  }

  async resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    const found = await this.#find(selector, call);
    return found ?? (await this.manifest(selector, call)).descriptor;
  }

  async manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    const subject = `${this.#subject}${formatSelector(selector)}`;
    const found = await this.#find(selector, call);
    if (found !== undefined) {
      const bytes = await this.#read(found, subject, call);
      parseManifest(bytes, found.mediaType, subject);
      return { descriptor: found, bytes };
    }
    const digest = "digest" in selector ? selector.digest : undefined;
    const size = digest && (await this.blobs.size(digest));
    if (digest === undefined || size === undefined) throw await this.#notFound(selector, call);
    const bytes = await this.#read({ mediaType: "", digest, size }, subject, call);
    const { mediaType } = parseManifest(bytes, "", subject);
    return { descriptor: { mediaType, digest, size }, bytes };
  }

  async fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    call.signal.throwIfAborted();
    if ((await this.blobs.size(descriptor.digest)) === undefined) {
      throw new ComposeImageError("BLOB_NOT_FOUND", `${this.#subject} has no blob ${descriptor.digest}`, {
        hint: "The layout is incomplete; write it again with the tool that made it.",
      });
    }
    return verify(this.blobs.read(descriptor.digest, {}, call), descriptor, `${this.#subject}: blob`);
  }

  async exists(descriptor: Descriptor, call: Call): Promise<boolean> {
    call.signal.throwIfAborted();
    return (await this.blobs.size(descriptor.digest)) === descriptor.size;
  }

  async push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    if (await this.exists(descriptor, call)) return;
    await this.blobs.write(descriptor, await open(call), `${this.#subject}: blob`, call);
  }

  /** Always `false`: a layout has no other repositories to take blobs from. */
  async mount(): Promise<boolean> {
    return false;
  }

  async pushManifest(manifest: StoredManifest, call: Call): Promise<void> {
    if (manifest.bytes.byteLength > maxManifestSize) throw tooLarge(`${this.#subject}: manifest`);
    await this.push(manifest.descriptor, async () => asContent(manifest.bytes), call);
  }

  async tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    await this.pushManifest(manifest, call);
    const added = indexEntry(manifest.descriptor, { [refNameAnnotation]: tag });
    await this.index.update((entries) => [...entries.filter((entry) => refName(entry) !== tag), added], call);
  }

  /** The descriptor `index.json` has; `undefined` when it has none. */
  async #find(selector: ManifestSelector, call: Call): Promise<Descriptor | undefined> {
    const { entries } = await this.index.read(call);
    const matching = entries.filter((entry) => matches(entry, selector));
    const digests = new Set<Digest>(matching.map((entry) => entry.descriptor.digest));
    if (digests.size > 1) {
      throw new ComposeImageError(
        "LAYOUT_INVALID",
        `${this.#subject}${formatSelector(selector)} names ${digests.size} images: ${[...digests].join(", ")}`,
        { hint: "Give each image of the layout a tag of its own." },
      );
    }
    return matching[0]?.descriptor;
  }

  async #read(descriptor: Descriptor, subject: string, call: Call): Promise<Uint8Array> {
    if (descriptor.size > maxManifestSize) throw tooLarge(subject);
    if ((await this.blobs.size(descriptor.digest)) === undefined) {
      throw new ComposeImageError("MANIFEST_NOT_FOUND", `${subject}: ${descriptor.digest} is missing`, {
        hint: "The layout is incomplete; write it again with the tool that made it.",
      });
    }
    return collect(await this.fetch(descriptor, call), maxManifestSize, subject);
  }

  async #notFound(selector: ManifestSelector, call: Call): Promise<ComposeImageError> {
    const tags = await this.tags(call);
    return new ComposeImageError("MANIFEST_NOT_FOUND", `${this.#subject} has no ${selectorNoun(selector)}`, {
      hint: tags.length === 0 ? "The layout has no tags." : `Its tags are ${tags.join(", ")}.`,
    });
  }
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

function tooLarge(subject: string): ComposeImageError {
  return new ComposeImageError(
    "LIMIT_EXCEEDED",
    `${subject} is larger than the limit of ${maxManifestSize} bytes`,
  );
}

async function* asContent(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
