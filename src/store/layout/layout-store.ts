import type { Call } from "../../io/call.ts";
import type { OpenContent } from "../../io/content.ts";
import type { Side } from "../../io/transfer.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { maxManifestSize } from "../../model/manifest.ts";
import type { StoredManifest } from "../source.ts";
import type { Target } from "../target.ts";
import type { BlobDirectory } from "./blob-directory.ts";
import { indexEntry, refName, refNameAnnotation } from "./index-entry.ts";
import type { IndexFile } from "./index-file.ts";
import { LayoutSource, manifestTooLarge } from "./layout-source.ts";
import { leastResumed, writeResumable } from "./partial-blob.ts";
import { referrerEntry } from "./referrers-in.ts";
import type { EntryChange, WritableLayout } from "./writable-layout.ts";

/**
 * An OCI image layout directory. A tag is whatever an entry of `index.json` has as its
 * `org.opencontainers.image.ref.name`; `repository:tag` is one too.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class LayoutStore extends LayoutSource implements Target, WritableLayout {
  readonly directory: string;
  readonly blobs: BlobDirectory;
  readonly index: IndexFile;

  /** Use `openLayout`, which checks that there is a layout. */
  constructor(directory: string, blobs: BlobDirectory, index: IndexFile, side?: Side) {
    super(
      `oci:${directory}`,
      {
        entries: async (call) => (await index.read(call)).entries,
        size: (digest) => blobs.size(digest),
        read: (digest, call, extent = {}) => blobs.read(digest, extent, call),
      },
      side,
    );
    this.directory = directory;
    this.blobs = blobs;
    this.index = index;
  }

  async push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    if (await this.exists(descriptor, call)) return;
    const subject = `${this.subject}: blob`;
    if (open.from === undefined || descriptor.size < leastResumed) {
      await this.blobs.write(descriptor, await open(call), subject, call);
    } else {
      await writeResumable(this.directory, this.blobs, descriptor, open, subject, call);
    }
  }

  /** Always `false`: a layout has no other repositories to take blobs from. */
  async mount(): Promise<boolean> {
    return false;
  }

  async pushManifest(manifest: StoredManifest, call: Call): Promise<void> {
    if (manifest.bytes.byteLength > maxManifestSize) throw manifestTooLarge(`${this.subject}: manifest`);
    await this.push(manifest.descriptor, async () => asContent(manifest.bytes), call);
  }

  async tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    await this.pushManifest(manifest, call);
    const added = indexEntry(manifest.descriptor, { [refNameAnnotation]: tag });
    await this.index.update((entries) => [...entries.filter((entry) => refName(entry) !== tag), added], call);
  }

  async attach(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void> {
    await this.index.update((entries) => {
      const listed = new Set(entries.map(({ descriptor }) => descriptor.digest));
      const added = referrers.filter(({ digest }) => !listed.has(digest));
      if (added.length === 0) return entries;
      return [...entries, ...added.map((referrer) => referrerEntry(referrer, subject))];
    }, call);
  }

  async changeEntries(change: EntryChange, call: Call): Promise<void> {
    await this.index.update(change, call);
  }
}

async function* asContent(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
