import type { Content } from "../io/content.ts";
import type { Timestamp } from "../tar/entry.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../tar/writer.ts";
import type { BodyOrigin, FileNode } from "./file-node.ts";
import { childPath, type ImagePath, rootPath } from "./path.ts";

/** An entry of the new layer. */
export interface LayerEntry {
  readonly path: ImagePath;
  readonly node: FileNode;
  /** Set where the entry is a hardlink to an earlier one. */
  readonly linkTo: ImagePath | undefined;
}

/**
 * The entries of a tree in bytewise order of their names as tar writes them, directories with a slash at the end: so
 * parents come before children, and hardlinks after the first of their names, which is the file. The root is left out.
 */
export function* layerEntries(root: FileNode): Generator<LayerEntry> {
  const firstPaths = new Map<FileNode, ImagePath>();
  for (const { path, node } of sorted(rootPath, root)) {
    const linkTo = firstPaths.get(node);
    if (linkTo === undefined && node.isLinked && node.attributes.type === "file") firstPaths.set(node, path);
    yield { path, node, linkTo };
  }
}

/**
 * The tree as a tar archive.
 *
 * @param latest seconds since the epoch; later modification times are set back to it.
 * @param readBody gives a file's bytes.
 */
export async function* layerTar(
  root: FileNode,
  latest: number | undefined,
  readBody: (body: BodyOrigin) => Content,
): AsyncGenerator<Uint8Array> {
  for (const { path, node, linkTo } of layerEntries(root)) {
    const { attributes, body } = node;
    const mtime = clamped(attributes.mtime, latest);
    if (linkTo !== undefined) {
      yield encodeHeader({ ...attributes, mtime, path, type: "hardlink", linkname: linkTo, size: 0 });
      continue;
    }
    yield encodeHeader({ ...attributes, mtime, path });
    if (body === undefined) continue;
    yield* readBody(body);
    yield bodyPadding(attributes.size);
  }
  yield endOfArchive;
}

function clamped(mtime: Timestamp, latest: number | undefined): Timestamp {
  return latest !== undefined && Number(mtime) > latest ? String(latest) : mtime;
}

function* sorted(directory: ImagePath, node: FileNode): Generator<{ path: ImagePath; node: FileNode }> {
  const keyed = [...(node.children ?? [])].map(([name, child]) => ({
    key: child.children === undefined ? name : `${name}/`,
    name,
    child,
  }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { name, child } of keyed) {
    const path = childPath(directory, name);
    yield { path, node: child };
    if (child.children !== undefined) yield* sorted(path, child);
  }
}
