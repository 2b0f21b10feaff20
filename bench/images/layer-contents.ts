import { createReadStream, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { type ByteString, bytesOfText } from "../../src/tar/byte-string.ts";
import type { EntryType, TarHeader } from "../../src/tar/entry.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../../src/tar/writer.ts";

/** Where a file's bytes come from. */
export type FileSource =
  | { readonly bytes: Uint8Array }
  /** `start` skips bytes of the file, `length` bounds them; default: all. */
  | { readonly path: string; readonly start?: number; readonly length?: number };

/** Owner and permissions. */
export interface Attributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Which files of a tree are taken, by their path below it; directories are asked about, too. */
export type Filter = (path: string) => boolean;

interface Entry extends Required<Attributes> {
  readonly type: EntryType;
  readonly linkname: string;
  readonly size: number;
  readonly source: FileSource | undefined;
}

/** The time of every entry, seconds since the epoch: layers must not depend on when files were checked out. */
const entryTime = "1763640000";

/**
 * What a layer is going to hold: files of this machine and made ones under paths of the image, whiteouts among them.
 * Missing parents are made. Paths are absolute.
 */
export class LayerContents {
  /** What built the layer, for the history. */
  readonly createdBy: string;
  readonly #owner: Required<Pick<Attributes, "uid" | "gid">>;
  readonly #entries = new Map<string, Entry>();

  /** @param owner of all entries that are not given another one; default root. */
  constructor(createdBy: string, owner: Pick<Attributes, "uid" | "gid"> = {}) {
    this.createdBy = createdBy;
    this.#owner = { uid: owner.uid ?? 0, gid: owner.gid ?? 0 };
  }

  /** Bytes of all files. */
  get size(): number {
    return [...this.#entries.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get fileCount(): number {
    return [...this.#entries.values()].filter(({ type }) => type === "file").length;
  }

  /** The files, with where their bytes come from, by absolute path. */
  *files(): Generator<{ readonly path: string; readonly source: FileSource; readonly mode: number }> {
    for (const [path, { source, mode }] of this.#entries)
      if (source !== undefined) yield { path, source, mode };
  }

  directory(path: string, attributes: Attributes = {}): this {
    return this.#add(path, "directory", { mode: 0o755, ...attributes });
  }

  file(path: string, source: FileSource, attributes: Attributes = {}): this {
    return this.#add(path, "file", { mode: 0o644, ...attributes }, source);
  }

  symlink(path: string, target: string): this {
    return this.#add(path, "symlink", { mode: 0o777 }, undefined, target);
  }

  /** Hides what lower layers have at the path. */
  whiteout(path: string): this {
    return this.file(posix.join(posix.dirname(path), `.wh.${posix.basename(path)}`), { bytes: noBytes });
  }

  /** Hides what lower layers have in the directory, which stays. */
  opaque(path: string): this {
    return this.directory(path).file(posix.join(path, ".wh..wh..opq"), { bytes: noBytes });
  }

  /**
   * Takes a tree of this machine: files, directories and symlinks. Modes become 0755 where the owner may execute, else
   * 0644.
   */
  tree(from: string, to: string, filter: Filter = () => true): this {
    const walk = (below: string): void => {
      const names = readdirSync(posix.join(from, below)).sort();
      for (const name of names) {
        const path = posix.join(below, name);
        if (filter(path)) this.#take(posix.join(from, path), posix.join(to, path), () => walk(path));
      }
    };
    this.directory(to);
    walk("");
    return this;
  }

  /** The layer as an archive, entries sorted by name. */
  async *tar(): AsyncGenerator<Uint8Array> {
    for (const path of [...this.#entries.keys()].sort()) {
      const entry = this.#entries.get(path);
      if (entry === undefined) continue;
      yield encodeHeader(headerOf(path, entry));
      if (entry.source === undefined) continue;
      yield* readSource(entry.source, entry.size);
      yield bodyPadding(entry.size);
    }
    yield endOfArchive;
  }

  #take(from: string, to: string, enter: () => void): void {
    const status = lstatSync(from);
    const mode = (status.mode & 0o100) === 0 ? 0o644 : 0o755;
    if (status.isFile()) this.file(to, { path: from }, { mode });
    else if (status.isSymbolicLink()) this.symlink(to, readlinkSync(from));
    else if (status.isDirectory()) {
      this.directory(to);
      enter();
    }
  }

  #add(path: string, type: EntryType, attributes: Attributes, source?: FileSource, linkname = ""): this {
    const parent = posix.dirname(path);
    if (parent !== "/" && !this.#entries.has(parent)) this.directory(parent);
    const size = source === undefined ? 0 : sizeOf(source);
    this.#entries.set(path, { ...this.#owner, mode: 0o755, ...attributes, type, source, linkname, size });
    return this;
  }
}

/**
 * A file's bytes.
 *
 * @throws Error when there are fewer than `size`.
 */
export async function* readSource(source: FileSource, size = sizeOf(source)): AsyncGenerator<Uint8Array> {
  if ("bytes" in source) {
    if (source.bytes.byteLength > 0) yield source.bytes;
    return;
  }
  const { path, start = 0 } = source;
  if (size === 0) return;
  let left = size;
  for await (const chunk of createReadStream(path, {
    start,
    end: start + size - 1,
    highWaterMark: 256 * 1024,
  }) as AsyncIterable<Buffer>) {
    left -= chunk.byteLength;
    yield chunk;
  }
  if (left > 0) throw new Error(`${path} became shorter while it was read`);
}

const noBytes = new Uint8Array(0);
const noXattrs: ReadonlyMap<ByteString, ByteString> = new Map();

function sizeOf(source: FileSource): number {
  if ("bytes" in source) return source.bytes.byteLength;
  const available = lstatSync(source.path).size - (source.start ?? 0);
  return Math.min(available, source.length ?? available);
}

function headerOf(path: string, { type, mode, uid, gid, size, linkname }: Entry): TarHeader {
  return {
    path: bytesOfText(path.slice(1)),
    type,
    mode,
    uid,
    gid,
    size,
    mtime: entryTime,
    linkname: bytesOfText(linkname),
    devmajor: 0,
    devminor: 0,
    xattrs: noXattrs,
  };
}
