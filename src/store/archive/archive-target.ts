import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { ArchiveLocation } from "../../model/location.ts";
import { type ImageManifest, maxManifestSize, parseManifest } from "../../model/manifest.ts";
import { isForeignLayerMediaType } from "../../model/media-types.ts";
import { type IndexEntry, indexEntry, refNameAnnotation } from "../layout/index-entry.ts";
import { LayoutSource, manifestTooLarge } from "../layout/layout-source.ts";
import { referrerEntry } from "../layout/referrers-in.ts";
import type { EntryChange, WritableLayout } from "../layout/writable-layout.ts";
import type { StoredManifest } from "../source.ts";
import type { Target } from "../target.ts";
import { blobOrder, dockerDocuments, layoutDocuments, type NamedImage } from "./archive-documents.ts";
import type { ArchiveDraft } from "./archive-draft.ts";
import type { ArchiveWriter } from "./archive-writer.ts";

/** Where a finished archive goes. */
export interface ArchiveOutput {
  /** Makes the archive appear. */
  deliver(draft: ArchiveDraft, size: number, call: Call): Promise<void>;
  /** Told when the archive is not finished, and another run can go on with what is there. */
  left?(): void;
}

/**
 * An archive that is being written: blobs as they come, all the rest when it is committed. The bytes depend on the images
 * and their names alone, and on the order of the names. What was committed may be committed again with more in it.
 */
export class ArchiveTarget extends LayoutSource implements Target, WritableLayout, AsyncDisposable {
  readonly #transport: ArchiveLocation["transport"];
  readonly #writer: ArchiveWriter;
  readonly #output: ArchiveOutput;
  readonly #manifests: Map<Digest, StoredManifest>;
  readonly #tags: Map<string, Descriptor>;
  readonly #referrers: Map<Digest, IndexEntry>;
  readonly #listed: { entries: readonly IndexEntry[] | undefined };

  /** @param name the archive as it is written on the command line. */
  constructor(
    name: string,
    transport: ArchiveLocation["transport"],
    writer: ArchiveWriter,
    output: ArchiveOutput,
  ) {
    const tags = new Map<string, Descriptor>();
    const referrers = new Map<Digest, IndexEntry>();
    const listed: { entries: readonly IndexEntry[] | undefined } = { entries: undefined };
    super(
      name,
      {
        entries: async () => {
          if (tags.size === 0 && referrers.size === 0 && listed.entries !== undefined) return listed.entries;
          return [
            ...[...tags].map(([tag, descriptor]) => indexEntry(descriptor, { [refNameAnnotation]: tag })),
            ...[...referrers.values(), ...(listed.entries ?? [])],
          ];
        },
        size: async (digest) => writer.size(digest),
        read: (digest, call, extent): Content => writer.read(digest, call, extent),
      },
      "target",
    );
    this.#tags = tags;
    this.#referrers = referrers;
    this.#listed = listed;
    this.#manifests = new Map();
    this.#transport = transport;
    this.#writer = writer;
    this.#output = output;
  }

  expect(blobs: readonly Descriptor[]): void {
    this.#writer.reserve(blobs);
  }

  async push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    if (await this.exists(descriptor, call)) return;
    await this.#writer.write(descriptor, open, `${this.subject}: blob`, call);
  }

  /** Always `false`: an archive has no other repositories to take blobs from. */
  async mount(): Promise<boolean> {
    return false;
  }

  async pushManifest(manifest: StoredManifest, call: Call): Promise<void> {
    const { descriptor, bytes } = manifest;
    if (bytes.byteLength > maxManifestSize) throw manifestTooLarge(`${this.subject}: manifest`);
    const parsed = parseManifest(bytes, descriptor.mediaType, `${this.subject}: manifest`);
    if (this.#transport === "docker-archive" && parsed.kind === "manifest") this.#expectLayers(parsed);
    await this.push(descriptor, async () => once(bytes), call);
    this.#manifests.set(descriptor.digest, manifest);
  }

  async tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    await this.pushManifest(manifest, call);
    this.#tags.set(tag, manifest.descriptor);
  }

  /** Docker's archives hold images alone. */
  async attach(subject: Digest, referrers: readonly Descriptor[]): Promise<void> {
    if (this.#transport === "docker-archive") return;
    for (const referrer of referrers) {
      if (!this.#referrers.has(referrer.digest))
        this.#referrers.set(referrer.digest, referrerEntry(referrer, subject));
    }
  }

  /**
   * Changes the entries that are listed beside those of {@link tag} and {@link attach}. Where any are, they say what is in the
   * archive: what has no entry is not listed, and blobs stay in the order in which they came.
   */
  async changeEntries(change: EntryChange): Promise<void> {
    this.#listed.entries = change(this.#listed.entries ?? []);
  }

  async commit(call: Call): Promise<void> {
    const images = this.#images();
    const listed = this.#listed.entries;
    const referrers = [...this.#referrers.values(), ...(listed ?? [])];
    const blobs = this.#writer.digests;
    const documents =
      this.#transport === "docker-archive"
        ? dockerDocuments(images, this.#manifests)
        : layoutDocuments(images, referrers);
    const { draft, size } = await this.#writer.finish(
      listed === undefined ? blobOrder([...images, ...referrers], this.#manifests, blobs) : blobs,
      documents,
      call,
    );
    call.signal.throwIfAborted();
    await this.#output.deliver(draft, size, call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (await this.#writer.close()) this.#output.left?.();
  }

  /** An image of `docker load` has all its layers in the archive, foreign ones too. */
  #expectLayers({ layers }: ImageManifest): void {
    if (layers.every(({ mediaType }) => !isForeignLayerMediaType(mediaType))) return;
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      `${this.subject}: the image has foreign layers, and docker load wants them all in the archive`,
      { hint: "Write an oci-archive:, or push to a registry." },
    );
  }

  /** What has a tag. In docker's archives, and where nothing has one, also what has none and no index names. */
  #images(): NamedImage[] {
    const tagged = [...this.#tags].map(([tag, descriptor]): NamedImage => ({ descriptor, tag }));
    if (this.#listed.entries !== undefined) return tagged;
    if (tagged.length > 0 && this.#transport === "oci-archive") return tagged;
    const named = new Set(tagged.map(({ descriptor }) => descriptor.digest));
    for (const { bytes, descriptor } of this.#manifests.values()) {
      const manifest = parseManifest(bytes, descriptor.mediaType, this.subject);
      if (manifest.kind === "index") for (const { digest } of manifest.manifests) named.add(digest);
    }
    const untagged = [...this.#manifests.values()].filter(({ descriptor }) => !named.has(descriptor.digest));
    return [...tagged, ...untagged.map(({ descriptor }): NamedImage => ({ descriptor, tag: undefined }))];
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
