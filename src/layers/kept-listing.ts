import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import type { Call } from "../io/call.ts";
import { type Digest, Digester, digestAlgorithm, digestHex } from "../model/digest.ts";
import type { FileCache, NewEntry } from "../store/cache/file-cache.ts";
import type { MemberHead } from "../tar/member.ts";
import type { LayerListing, ListedMember, ListingRecorder } from "./layer-listing.ts";
import { firstLine, lastLine, readListing } from "./listing-content.ts";
import { encodeMember, listingVersion, maxLineLength } from "./listing-format.ts";

/** The name under which a cache has the listing of a layer. */
export function listingName(layer: Digest): string {
  return `${digestAlgorithm(layer)}-${digestHex(layer)}.v${listingVersion}`;
}

/** The listing of a layer, kept in a cache under the layer's digest. */
export class KeptListing implements LayerListing {
  readonly #cache: FileCache;
  readonly #layer: Digest;
  readonly #onNote: (message: string) => void;

  /** @param onNote told when the listing is read in the layer's place, and when it turns out to be unsound. */
  constructor(cache: FileCache, layer: Digest, onNote: (message: string) => void) {
    this.#cache = cache;
    this.#layer = layer;
    this.#onNote = onNote;
  }

  async members(call: Call): Promise<AsyncIterable<ListedMember> | undefined> {
    const content = await this.#cache.open(listingName(this.#layer), call);
    if (content === undefined) return undefined;
    this.#onNote(`not reading layer ${this.#layer}: what it holds is known`);
    return readListing(content, this.#layer);
  }

  async discard(): Promise<void> {
    this.#onNote(`reading layer ${this.#layer} after all: what was kept of it is damaged`);
    await this.#cache.discard(listingName(this.#layer));
  }

  record(): ListingRecorder {
    return new ListingWriter(this.#cache.begin(), this.#layer);
  }
}

/** Members whose content is kept: the files that names of users and groups are looked up in. */
const accountFile = /^(?:\.?\/)*etc\/(?:passwd|group)$/;

/** Most bytes of content that is kept. */
const maxContentSize = 1024 * 1024;

/** Characters that are packed together. */
const blockLength = 256 * 1024;

const compress = promisify(zstdCompress);

/** Writes a listing as its members become known, a block at a time. */
class ListingWriter implements ListingRecorder {
  readonly #entry: NewEntry;
  readonly #layer: Digest;
  readonly #digester = new Digester();
  #text: string;
  #members = 0;
  #isOver = false;

  constructor(entry: NewEntry, layer: Digest) {
    this.#entry = entry;
    this.#layer = layer;
    this.#text = firstLine(layer);
  }

  holdsContent({ header: { type, size, path } }: MemberHead): boolean {
    return type === "file" && size > 0 && size <= maxContentSize && accountFile.test(path) && !this.#isOver;
  }

  add(member: MemberHead, content: Uint8Array | undefined): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    const line = encodeMember(member, content);
    if (line.length > maxLineLength) return this.drop();
    this.#members += 1;
    this.#text += line;
    return this.#text.length < blockLength ? undefined : this.#flush();
  }

  async keep(): Promise<void> {
    if (this.#isOver) return;
    await this.#flush();
    await this.#append(Buffer.from(lastLine(this.#members, this.#digester.digest())));
    if (!this.#isOver) await this.#entry.publish(listingName(this.#layer));
    this.#isOver = true;
  }

  async drop(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#text = "";
    await this.#entry.discard();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#text, "utf8");
    this.#text = "";
    this.#digester.update(bytes);
    await this.#append(bytes);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const packed = await compress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
    if (!(await this.#entry.append(packed))) this.#isOver = true;
  }
}
