import { ComposeImageError } from "../model/errors.ts";
import type { ByteString } from "../tar/byte-string.ts";
import type { Timestamp } from "../tar/entry.ts";
import {
  type Attributes,
  directoryNode,
  type FileNode,
  impliedAttributes,
  impliedDirectory,
} from "./file-node.ts";
import type { MergedTree } from "./merged-tree.ts";
import type { Owner } from "./owner.ts";
import {
  childPath,
  componentsOf,
  displayPath,
  type ImagePath,
  nameOf,
  parentOf,
  resolveLexically,
  rootPath,
} from "./path.ts";
import { maxSymlinks } from "./symlinks.ts";

/** A directory of the new layer, seen together with what the base has there. */
export interface OutputDirectory {
  readonly path: ImagePath;
  readonly node: FileNode;
  /** The base's directory at the same path, where it has one. */
  readonly base: FileNode | undefined;
  /** Whether neither the base nor an earlier copy had it. */
  readonly isNew: boolean;
}

/** What directories that have to be made look like. */
export interface NewDirectories {
  readonly owner?: Owner | undefined;
  readonly mode?: number | undefined;
  readonly mtime: Timestamp;
}

/** The files of the new layer as they come together, over a base. */
export class OutputTree {
  /** Never an entry itself. */
  readonly root: FileNode = impliedDirectory();
  readonly #baseName: string;
  /** The directories made here; the others are their sources' own. */
  readonly #own = new Set<FileNode>();
  readonly #shared = new Set<ImagePath>();

  /** @param baseName the base, for messages. */
  constructor(baseName: string) {
    this.#baseName = baseName;
  }

  /** Whether a directory is on the way to another that was asked for, or was found in the base. */
  isShared(path: ImagePath): boolean {
    return this.#shared.has(path);
  }

  /**
   * The directory at a path, made where there is none. Symlinks of the base and of earlier copies are followed as in a
   * chroot, the last component's too. Directories of the base on the way get an entry with the base's own attributes,
   * since some tools show a directory without an entry as 0755 0:0.
   *
   * @param base what the base holds; absent when it is left out of account.
   * @throws UnknownPath; ComposeImageError `COPY_CONFLICT` where a file is in the way.
   */
  directory(path: ImagePath, base: MergedTree | undefined, made: NewDirectories): OutputDirectory {
    let at: OutputDirectory = { path: rootPath, node: this.root, base: base?.root, isNew: false };
    let components = componentsOf(path);
    for (let followed = 0; components.length > 0; ) {
      const [component = "" as ByteString, ...rest] = components;
      const found = this.lookUp(at, component, base, rest);
      const { type, linkname } = found.node?.attributes ?? found.base?.attributes ?? {};
      const next = childPath(at.path, component);
      if (type === "symlink" && linkname !== undefined) {
        followed += 1;
        if (followed > maxSymlinks) throw this.#conflict(path, `a loop of symlinks at ${displayPath(next)}`);
        components = [...componentsOf(resolveLexically(at.path, linkname)), ...rest];
        at = { path: rootPath, node: this.root, base: base?.root, isNew: false };
        continue;
      }
      if (type !== undefined && type !== "directory")
        throw this.#conflict(path, `a ${type} at ${displayPath(next)}`);
      at = this.#enter(at, component, found, made);
      components = rest;
    }
    return at;
  }

  /**
   * What is at a name: in the new layer, and in the base where the new layer does not hide it.
   *
   * @throws UnknownPath
   */
  lookUp(
    directory: OutputDirectory,
    name: ByteString,
    base: MergedTree | undefined,
    rest: readonly ByteString[] = [],
  ): { readonly node: FileNode | undefined; readonly base: FileNode | undefined } {
    const node = directory.node.children?.get(name);
    const isHidden = node !== undefined && node.children === undefined;
    const baseNode =
      isHidden || directory.base?.children === undefined
        ? undefined
        : base?.childOf(directory.base, childPath(directory.path, name), rest);
    if (baseNode?.children !== undefined) this.#shared.add(childPath(directory.path, name));
    return { node, base: baseNode };
  }

  /**
   * A directory of the new layer that may be changed, under a name: the one that is there, or a new one. One that was
   * taken over from a source, and hence is the source's, gives way to a copy.
   */
  ownDirectory(
    parent: OutputDirectory,
    name: ByteString,
    existing: FileNode | undefined,
    attributes: Attributes,
    mtime: Timestamp,
  ): FileNode {
    let node = existing;
    if (node === undefined || !this.#own.has(node)) {
      node = directoryNode(attributes, mtime, undefined, new Map(existing?.children));
      this.#own.add(node);
      parent.node.children?.set(name, node);
    }
    node.attributes = attributes;
    node.mtime = mtime;
    return node;
  }

  /**
   * Follows symlinks at the place a single file is to be written to: the path that is written in the end; `undefined`
   * for the root.
   *
   * @throws UnknownPath; ComposeImageError `COPY_CONFLICT`
   */
  fileDestination(
    path: ImagePath,
    base: MergedTree | undefined,
    made: NewDirectories,
  ): { readonly parent: OutputDirectory; readonly name: ByteString } | undefined {
    let at = path;
    for (let followed = 0; followed <= maxSymlinks; followed++) {
      if (at === rootPath) return undefined;
      const parent = this.directory(parentOf(at), base, made);
      const name = nameOf(at);
      const found = this.lookUp(parent, name, base);
      const existing = found.node ?? found.base;
      if (existing?.attributes.type !== "symlink") return { parent, name };
      at = resolveLexically(parent.path, existing.attributes.linkname);
    }
    throw this.#conflict(path, "a loop of symlinks");
  }

  #enter(
    at: OutputDirectory,
    component: ByteString,
    found: { readonly node: FileNode | undefined; readonly base: FileNode | undefined },
    made: NewDirectories,
  ): OutputDirectory {
    const path = childPath(at.path, component);
    this.#shared.add(at.path);
    const base = found.base?.children === undefined ? undefined : found.base;
    const isNew = found.node === undefined && base === undefined;
    const { attributes, mtime } = found.node ??
      base ?? { attributes: newAttributes(made), mtime: made.mtime };
    return { path, node: this.ownDirectory(at, component, found.node, attributes, mtime), base, isNew };
  }

  #conflict(path: ImagePath, what: string): ComposeImageError {
    return new ComposeImageError(
      "COPY_CONFLICT",
      `cannot copy to ${displayPath(path)}: ${this.#baseName} has ${what}, and a directory is needed there`,
      { hint: "Choose another destination." },
    );
  }
}

function newAttributes({ owner, mode = 0o755 }: NewDirectories): Attributes {
  const { uid, gid } = owner ?? { uid: 0, gid: 0 };
  return { ...impliedAttributes, uid, gid, mode };
}
