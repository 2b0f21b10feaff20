import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Invalid } from "../../model/parse-json.ts";
import type { ContentExtent } from "../layout/file-content.ts";
import type { IndexEntry } from "../layout/index-entry.ts";
import { maxIndexSize, parseIndex } from "../layout/index-file.ts";
import { expectLayoutVersion, maxLayoutFileSize } from "../layout/layout-file.ts";
import type { LayoutContent } from "../layout/layout-source.ts";
import { invalidArchive } from "./archive-fault.ts";
import type { ArchiveFile, MemberExtent } from "./archive-file.ts";

/** What is known of an archive's blobs by other means than the names that a layout gives them. */
export type NamedBlobs = ReadonlyMap<Digest, MemberExtent | Uint8Array>;

/** The name of a blob in a layout. */
export function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/**
 * The entries of the layout in an archive; `undefined` where the archive holds none.
 *
 * @throws ComposeImageError `ARCHIVE_INVALID` for one that is malformed.
 */
export async function readLayoutEntries(
  file: ArchiveFile,
  call: Call,
): Promise<readonly IndexEntry[] | undefined> {
  const version = await file.readSmall("oci-layout", maxLayoutFileSize, call);
  const index = await file.readSmall("index.json", maxIndexSize, call);
  if (version === undefined || index === undefined) return undefined;
  const invalidIn =
    (name: string): Invalid =>
    (what) => {
      const extent = file.find(name);
      const damaged = extent && file.partsOf(extent);
      const where = damaged === undefined ? "" : `; it lies in ${damaged.names}`;
      return invalidArchive(`${name} of ${file.subject}`, `${what}${where}`, damaged?.hint);
    };
  expectLayoutVersion(version, invalidIn("oci-layout"));
  return parseIndex(index, invalidIn("index.json")).entries;
}

/** The images of an archive. */
export class ArchiveContent implements LayoutContent {
  readonly #file: ArchiveFile;
  readonly #entries: readonly IndexEntry[];
  readonly #named: NamedBlobs;

  constructor(file: ArchiveFile, entries: readonly IndexEntry[], named: NamedBlobs = new Map()) {
    this.#file = file;
    this.#entries = entries;
    this.#named = named;
  }

  entries(): Promise<readonly IndexEntry[]> {
    return Promise.resolve(this.#entries);
  }

  size(digest: Digest): Promise<number | undefined> {
    const found = this.#find(digest);
    return Promise.resolve(found instanceof Uint8Array ? found.byteLength : found?.size);
  }

  read(digest: Digest, call: Call, extent: ContentExtent = {}): Content {
    const found = this.#find(digest);
    if (found === undefined) return nothing();
    return found instanceof Uint8Array
      ? once(found.subarray(extent.start, extent.end))
      : this.#file.read(found, call, extent);
  }

  /** In a split archive the part that is damaged is what has to be copied again. */
  explain(digest: Digest, error: unknown): unknown {
    const found = this.#find(digest);
    if (found === undefined || found instanceof Uint8Array) return error;
    const damaged = this.#file.partsOf(found);
    if (damaged === undefined) return error;
    if (!(error instanceof ComposeImageError) || error.code !== "DIGEST_MISMATCH") return error;
    const { names, hint } = damaged;
    return new ComposeImageError(error.code, `${error.message}; it lies in ${names}`, { hint, cause: error });
  }

  #find(digest: Digest): MemberExtent | Uint8Array | undefined {
    return this.#named.get(digest) ?? this.#file.find(blobName(digest));
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** An image found in an archive: what it is read through, and its descriptor there. */
export interface ArchivedImage {
  readonly content: ArchiveContent;
  readonly descriptor: Descriptor;
}
