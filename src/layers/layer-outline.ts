import { type ByteString, bytesOfText, textOfBytes } from "../tar/byte-string.ts";
import type { EntryType } from "../tar/entry.ts";
import { directoryNode, type FileNode, impliedAttributes, impliedDirectory } from "./file-node.ts";
import { childPath, componentsOf, type ImagePath, rootPath } from "./path.ts";

/** One entry of a layer, as far as a base may have a say in it. */
export interface OutlineEntry {
  /** Absolute. */
  readonly path: string;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whether it is a directory with something below it that is not listed. */
  readonly isClosed: boolean;
}

/**
 * A layer's entries without those that no base has a say in: below directories that the layer alone brought, only what is
 * on the way to a destination is listed. Parents come before children.
 */
export type LayerOutline = readonly OutlineEntry[];

/** What of a layer is at hand: all of it, or the tree of an outline. */
export interface LayerTree {
  readonly root: FileNode;
  /** Of an outline: the directories with more in them than is known. */
  readonly closed?: ReadonlySet<FileNode> | undefined;
}

/** Most entries of an outline: a few for each destination. */
const maxEntries = 100;

/**
 * The outline of a new layer's tree; `undefined` where it would be long, or cannot be told in text: with names that are
 * not UTF-8, or extended attributes.
 *
 * @param isShared whether a directory is on the way to a destination, or in the base as well.
 */
export function outlineOf(root: FileNode, isShared: (path: ImagePath) => boolean): LayerOutline | undefined {
  const entries: OutlineEntry[] = [];
  const list = (directory: FileNode, at: ImagePath): boolean => {
    const children = [...(directory.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return children.every(([name, node]) => {
      const path = childPath(at, name);
      const { type, mode, uid, gid, xattrs } = node.attributes;
      const text = textOfBytes(path);
      const isTold = bytesOfText(text) === path && (node.children === undefined || xattrs.size === 0);
      if (!isTold || entries.length === maxEntries) return false;
      const isClosed = (node.children?.size ?? 0) > 0 && !isShared(path);
      entries.push({ path: `/${text}`, type, mode, uid, gid, isClosed });
      return isClosed || list(node, path);
    });
  };
  return list(root, rootPath) ? entries : undefined;
}

/** The tree that an outline is of; `undefined` where an entry has no directory to be in. */
export function treeOfOutline(outline: LayerOutline): LayerTree | undefined {
  const root = impliedDirectory();
  const closed = new Set<FileNode>();
  for (const { path, type, mode, uid, gid, isClosed } of outline) {
    const components = componentsOf(bytesOfText(path.slice(1)) as ImagePath);
    let directory: FileNode | undefined = root;
    for (const component of components.slice(0, -1)) directory = directory?.children?.get(component);
    const name = components.at(-1) ?? ("" as ByteString);
    if (directory?.children === undefined || closed.has(directory) || directory.children.has(name))
      return undefined;
    const attributes = { ...impliedAttributes, type, mode, uid, gid };
    const node: FileNode =
      type === "directory"
        ? directoryNode(attributes, "0")
        : { attributes, mtime: "0", size: 0, origin: undefined, offset: 0 };
    directory.children.set(name, node);
    if (isClosed) closed.add(node);
  }
  return { root, closed };
}
