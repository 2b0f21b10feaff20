import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ManifestSelector, MountOrigin, StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";

/** What a copy would move. */
export interface CopyForecast {
  /** Blobs and manifests that would be sent. */
  readonly copiedBytes: number;
  readonly copiedBlobs: number;
  /** Blobs that would be mounted from another repository of the registry, if it does that. */
  readonly mountedBytes: number;
}

/** Stands in for a target: answers as it does, writes nothing, and adds up what would be written. */
export class ForecastTarget implements Target {
  readonly name: string;
  readonly mountOrigin: MountOrigin | undefined;
  readonly #target: Target | undefined;
  readonly #written: Set<Digest>;
  #copiedBytes = 0;
  #copiedBlobs = 0;
  #mountedBytes = 0;

  /**
   * @param target `undefined` where there is none yet.
   * @param written what would be there by now; shared by targets that share their content.
   */
  constructor(name: string, target: Target | undefined, written: Set<Digest> = new Set()) {
    this.name = name;
    this.#written = written;
    this.mountOrigin = target?.mountOrigin;
    this.#target = target;
  }

  get forecast(): CopyForecast {
    return {
      copiedBytes: this.#copiedBytes,
      copiedBlobs: this.#copiedBlobs,
      mountedBytes: this.#mountedBytes,
    };
  }

  holdsWhole(manifest: Digest): boolean {
    return this.#target?.holdsWhole?.(manifest) ?? false;
  }

  async exists(descriptor: Descriptor, call: Call): Promise<boolean> {
    if (this.#written.has(descriptor.digest)) return true;
    return (await this.#target?.exists(descriptor, call)) ?? false;
  }

  async find(tag: string, call: Call): Promise<Descriptor | undefined> {
    return this.#target?.find(tag, call);
  }

  async mount(descriptor: Descriptor, from: MountOrigin): Promise<boolean> {
    if (from.registry !== this.mountOrigin?.registry) return false;
    if (this.#isNew(descriptor)) this.#mountedBytes += descriptor.size;
    return true;
  }

  async push(descriptor: Descriptor): Promise<void> {
    if (!this.#isNew(descriptor)) return;
    this.#copiedBytes += descriptor.size;
    this.#copiedBlobs += 1;
  }

  async pushManifest({ descriptor }: StoredManifest): Promise<void> {
    if (this.#isNew(descriptor)) this.#copiedBytes += descriptor.size;
  }

  async tag(): Promise<void> {}

  async attach(): Promise<void> {}

  resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    return this.#there.resolve(selector, call);
  }

  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    return this.#there.manifest(selector, call);
  }

  fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    return this.#there.fetch(descriptor, call);
  }

  listTags(call: Call): AsyncIterable<string> {
    return this.#there.listTags(call);
  }

  async referrers(): Promise<readonly Descriptor[]> {
    return [];
  }

  #isNew({ digest }: Descriptor): boolean {
    const isNew = !this.#written.has(digest);
    this.#written.add(digest);
    return isNew;
  }

  get #there(): Target {
    if (this.#target !== undefined) return this.#target;
    throw new ComposeImageError("MANIFEST_NOT_FOUND", `target ${this.name} is not there yet`);
  }
}
