import type { Digest } from "../model/digest.ts";
import { digestOf, isDigest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { encodeJson, sortedByKey } from "../model/manifest.ts";
import { parseJsonObject } from "../model/parse-json.ts";
import { isRepository, isTag } from "../model/reference.ts";

/** What one repository holds. */
export interface InventoryRepository {
  /** Without the site's own prefix. */
  readonly path: string;
  readonly tags: ReadonlyMap<string, Digest>;
  /** Manifests and indexes, with their sizes in bytes. */
  readonly manifests: ReadonlyMap<Digest, number>;
  /** Configurations and layers, with their sizes in bytes. */
  readonly blobs: ReadonlyMap<Digest, number>;
}

/** What a site holds. */
export interface Inventory {
  /** As it is written on the command line. */
  readonly site: string;
  /** Sorted by their paths; those that hold something. */
  readonly repositories: readonly InventoryRepository[];
}

const kind = "compose-image-inventory";

const version = 1;

/** The inventory as a file has it: the same one gives the same bytes. */
export function formatInventory(inventory: Inventory): Buffer {
  const document = documentOf(inventory);
  return encodeJson({ ...document, digest: digestOf(encodeJson(document)) });
}

/**
 * Reads what {@link formatInventory} wrote.
 *
 * @param where the file, for messages.
 * @throws ComposeImageError `USAGE` for anything else, and for one that was altered; it says where.
 */
export function parseInventory(bytes: Uint8Array, where: string): Inventory {
  const refuse = (what: string): ComposeImageError =>
    new ComposeImageError("USAGE", `${where}: ${what}`, {
      hint: "Take the inventory anew: compose-image mirror inventory SITE > FILE.",
    });
  const document = parseJsonObject(bytes, (what) => refuse(`it is no inventory: ${what}`));
  if (document.kind !== kind) throw refuse(`it is no inventory: kind is not ${JSON.stringify(kind)}`);
  if (document.version !== version) {
    throw refuse(`its version is ${JSON.stringify(document.version)}, and ${version} is what is understood`);
  }
  const inventory = new InventoryReader(refuse).read(document);
  if (document.digest !== digestOf(encodeJson(documentOf(inventory)))) {
    throw refuse("digest: it is not that of the rest, so the file was altered");
  }
  return inventory;
}

function documentOf({ site, repositories }: Inventory): JsonObject {
  return {
    kind,
    version,
    site,
    repositories: repositories.map(({ path, tags, manifests, blobs }) => ({
      path,
      tags: sortedByKey(Object.fromEntries(tags)),
      manifests: sortedByKey(Object.fromEntries(manifests)),
      blobs: sortedByKey(Object.fromEntries(blobs)),
    })),
  };
}

class InventoryReader {
  readonly #refuse: (what: string) => ComposeImageError;

  constructor(refuse: (what: string) => ComposeImageError) {
    this.#refuse = refuse;
  }

  read(document: JsonObject): Inventory {
    const { site, repositories } = document;
    this.#expectFields(document, ["kind", "version", "site", "repositories", "digest"], "");
    if (typeof site !== "string") throw this.#refuse("site: not a string");
    if (!Array.isArray(repositories)) throw this.#refuse("repositories: not a list");
    const read = repositories.map((each, i) => this.#repository(each, `repositories[${i}]`));
    for (const [i, { path }] of read.entries()) {
      const before = read[i - 1]?.path;
      if (before !== undefined && before >= path)
        throw this.#refuse(`repositories[${i}].path: ${path} comes after ${before}, out of order`);
    }
    return { site, repositories: read };
  }

  #repository(value: Json, at: string): InventoryRepository {
    if (!isJsonObject(value)) throw this.#refuse(`${at}: not an object`);
    this.#expectFields(value, ["path", "tags", "manifests", "blobs"], `${at}.`);
    const { path } = value;
    if (typeof path !== "string" || !isRepository(path)) throw this.#refuse(`${at}.path: not a repository`);
    const manifests = this.#sizes(value.manifests, `${at}.manifests`);
    const tags = new Map<string, Digest>();
    for (const [tag, digest] of this.#fields(value.tags, `${at}.tags`)) {
      const here = `${at}.tags[${JSON.stringify(tag)}]`;
      if (!isTag(tag)) throw this.#refuse(`${here}: not a tag`);
      if (!isDigest(digest)) throw this.#refuse(`${here}: not a digest`);
      if (!manifests.has(digest)) throw this.#refuse(`${here}: ${digest} is not among the manifests`);
      tags.set(tag, digest);
    }
    return { path, tags, manifests, blobs: this.#sizes(value.blobs, `${at}.blobs`) };
  }

  #sizes(value: Json | undefined, at: string): Map<Digest, number> {
    const sizes = new Map<Digest, number>();
    for (const [digest, size] of this.#fields(value, at)) {
      const here = `${at}[${JSON.stringify(digest)}]`;
      if (!isDigest(digest)) throw this.#refuse(`${here}: not a digest`);
      if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
        throw this.#refuse(`${here}: not a size in bytes`);
      sizes.set(digest, size);
    }
    return sizes;
  }

  #fields(value: Json | undefined, at: string): [string, Json | undefined][] {
    if (!isJsonObject(value)) throw this.#refuse(`${at}: not an object`);
    return Object.entries(value);
  }

  #expectFields(value: JsonObject, known: readonly string[], at: string): void {
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown !== undefined) throw this.#refuse(`${at}${unknown}: no such field`);
  }
}
