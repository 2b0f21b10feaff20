import type { Call } from "../io/call.ts";
import type { LocalEntry } from "../store/local/local-entry.ts";
import { LocalFiles } from "../store/local/local-files.ts";
import { OpenDirectory } from "../store/local/open-directory.ts";
import type { ByteString } from "../tar/byte-string.ts";
import type { EntryType, TarHeader, Timestamp } from "../tar/entry.ts";
import { AttributesPool } from "./attributes-pool.ts";
import type { ExcludePatterns } from "./exclude.ts";
import { directoryNode, type FileNode } from "./file-node.ts";
import { Interest } from "./interest.ts";
import { MergedTree } from "./merged-tree.ts";
import { childPath, expectPathLength, type ImagePath, rootPath } from "./path.ts";
import { ScanCost } from "./scan-cost.ts";
import { UnknownPath } from "./unknown-path.ts";

/** Options of a {@link DirectoryView}. */
export interface DirectoryViewOptions {
  /** What is taken for not there. */
  readonly ignore: ExcludePatterns;
  /** Of all that is in it: the times of a checkout say when it was checked out. */
  readonly mtime: Timestamp;
  readonly onWarning: (message: string) => void;
}

/**
 * A directory of this machine to copy from, listed as far as an interest goes. All belongs to 0:0 and has the same time;
 * modes are kept. Contents are read when they are written.
 */
export class DirectoryView {
  /** For messages: `directory ./dist`. */
  readonly name: string;
  readonly #path: string;
  readonly #options: DirectoryViewOptions;
  #wanted: Interest;
  #demanded = new Set<ImagePath>();
  #listing: Listing | undefined;
  #tree: MergedTree | undefined;

  /** @param path absolute, without symlinks. */
  constructor(name: string, path: string, interest: Interest, options: DirectoryViewOptions) {
    this.name = name;
    this.#path = path;
    this.#wanted = interest;
    this.#options = options;
  }

  /**
   * Lists what is wanted, where that has not been done.
   *
   * @throws ComposeImageError `LOCAL_IO`, `SOURCE_CHANGED`, `LIMIT_EXCEEDED`
   */
  async list(call: Call): Promise<void> {
    const addition = new Interest(this.#demanded);
    this.#demanded = new Set();
    if (!this.#wanted.covers(addition)) this.#wanted = this.#wanted.and(addition);
    if (this.#listing?.interest === this.#wanted) return;
    this.#tree = undefined;
    this.#listing = await listDirectory(this.name, this.#path, this.#wanted, this.#options, call);
  }

  /**
   * Its files.
   *
   * @throws UnknownPath when it has not been listed.
   */
  tree(): MergedTree {
    if (this.#listing === undefined) throw new UnknownPath(rootPath);
    const { interest } = this.#listing;
    const demand = (path: ImagePath): void => void this.#demanded.add(path);
    this.#tree ??= new MergedTree(this.#listing, [interest], demand, this.#hint());
    return this.#tree;
  }

  /** Forgets the list. Files that were handed out stay as they are, and can be read. */
  release(): void {
    this.#listing = undefined;
    this.#tree = undefined;
  }

  #hint(): string {
    const ignored = this.#options.ignore.isEmpty ? "" : ", and what .dockerignore leaves out is not there";
    return `Check the path; it is meant from that directory${ignored}.`;
  }
}

interface Listing {
  readonly interest: Interest;
  readonly root: FileNode;
  readonly hasLinks: boolean;
}

async function listDirectory(
  name: string,
  path: string,
  interest: Interest,
  options: DirectoryViewOptions,
  call: Call,
): Promise<Listing> {
  const top = await OpenDirectory.open(path);
  try {
    const lister = new Lister(name, new LocalFiles(path), interest, options, call);
    const root = lister.directory(await top.entry(), "" as ByteString);
    await lister.fill(top, rootPath, root.children ?? new Map());
    return { interest, root, hasLinks: lister.hasLinks };
  } finally {
    await top[Symbol.asyncDispose]();
  }
}

/** Makes files of what a directory holds. */
class Lister {
  hasLinks = false;
  readonly #files: LocalFiles;
  readonly #interest: Interest;
  readonly #options: DirectoryViewOptions;
  readonly #call: Call;
  readonly #name: string;
  readonly #cost: ScanCost;
  readonly #pool = new AttributesPool();
  /** Of files that have other names, the first that was met. */
  readonly #firstNames = new Map<
    string,
    { readonly siblings: Map<ByteString, FileNode>; name: ByteString }
  >();

  constructor(
    name: string,
    files: LocalFiles,
    interest: Interest,
    options: DirectoryViewOptions,
    call: Call,
  ) {
    this.#name = name;
    this.#files = files;
    this.#interest = interest;
    this.#options = options;
    this.#call = call;
    this.#cost = new ScanCost(name);
  }

  directory(entry: LocalEntry, name: ByteString): FileNode {
    const header = this.#headerOf(entry, "directory", name);
    return directoryNode(this.#pool.attributesOf(header), header.mtime);
  }

  /** Puts what is in the directory at a path among its children. */
  async fill(directory: OpenDirectory, path: ImagePath, children: Map<ByteString, FileNode>): Promise<void> {
    const { ignore, onWarning } = this.#options;
    const isLeftOut = (child: ImagePath): boolean => ignore.excludes(child) && !ignore.mayKeepBelow(child);
    const entries = await directory.entries((name) => {
      const child = childPath(path, name);
      return this.#interest.knows(child) && !isLeftOut(child);
    }, this.#call);
    for (const [name, entry] of entries) {
      const child = childPath(path, name);
      expectPathLength(child, this.#name);
      const isIgnored = ignore.excludes(child);
      const { type } = entry;
      if (type === "directory") {
        const node = this.directory(entry, name);
        const below = node.children ?? new Map<ByteString, FileNode>();
        const opened = await directory.enter(name, entry.identity);
        try {
          await this.fill(opened, child, below);
        } finally {
          await opened[Symbol.asyncDispose]();
        }
        if (!isIgnored || below.size > 0) children.set(name, node);
      } else if (isIgnored) {
        // Only directories can have something in them that is kept.
      } else if (type === "socket") {
        onWarning(`${directory.pathOf(name)} is a socket, and is left out`);
      } else {
        this.#place(entry, type, path, name, children);
      }
    }
  }

  #place(
    entry: LocalEntry,
    type: EntryType,
    directory: ImagePath,
    name: ByteString,
    siblings: Map<ByteString, FileNode>,
  ): void {
    const { device, inode } = entry.identity;
    const key = entry.hasOtherNames && type === "file" ? `${device}:${inode}` : undefined;
    const first = key === undefined ? undefined : this.#firstNames.get(key);
    const known = first?.siblings.get(first.name);
    if (first !== undefined && known !== undefined) {
      const linked = known.isLinked === true ? known : { ...known, isLinked: true };
      this.hasLinks = true;
      first.siblings.set(first.name, linked);
      siblings.set(name, linked);
      return;
    }
    if (key !== undefined) this.#firstNames.set(key, { siblings, name });
    const header = this.#headerOf(entry, type, name);
    const offset = type === "file" ? this.#files.add(directory, name, entry.identity) : 0;
    siblings.set(name, {
      attributes: this.#pool.attributesOf(header),
      mtime: header.mtime,
      size: header.size,
      origin: undefined,
      offset,
      ...(type === "file" && { localFiles: this.#files }),
    });
  }

  #headerOf(entry: LocalEntry, type: EntryType, path: ByteString): TarHeader {
    const { mode, size, linkname, devmajor, devminor } = entry;
    const { mtime } = this.#options;
    const header = { path, type, mode, uid: 0, gid: 0, size, mtime, linkname, devmajor, devminor };
    const whole = { ...header, xattrs: noXattrs };
    this.#cost.addEntry(whole);
    return whole;
  }
}

const noXattrs: ReadonlyMap<ByteString, ByteString> = new Map();
