import type { ByteString } from "../tar/byte-string.ts";
import type { FileNode } from "./file-node.ts";
import { childPath, type ImagePath, rootPath } from "./path.ts";

/** What can differ between two files of one name. */
export type FileAspect =
  | "type"
  | "content"
  | "size"
  | "mode"
  | "owner"
  | "target"
  | "device"
  | "xattrs"
  | "time";

/** A file that only one of two trees has, or that differs between them. */
export type FileChange =
  | { readonly change: "added"; readonly path: ImagePath; readonly after: FileNode }
  | { readonly change: "removed"; readonly path: ImagePath; readonly before: FileNode }
  | {
      readonly change: "changed";
      readonly path: ImagePath;
      readonly before: FileNode;
      readonly after: FileNode;
      readonly aspects: readonly FileAspect[];
    };

/** Two files of one name. */
export interface FilePair {
  readonly path: ImagePath;
  readonly before: FileNode;
  readonly after: FileNode;
}

/** Options of {@link compareTrees}. */
export interface CompareOptions {
  /** Whether times count. */
  readonly times: boolean;
  /** Whether the contents of two files of the same size, out of different layers, are the same. */
  readonly sameContent: (pair: FilePair) => boolean;
}

/** Compares two trees: what the second has and the first has not is added. In bytewise order of the paths. */
export function compareTrees(before: FileNode, after: FileNode, options: CompareOptions): FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, old, current] of pairsOf(rootPath, before, after)) {
    if (old === undefined) {
      if (current !== undefined) changes.push({ change: "added", path, after: current });
    } else if (current === undefined) {
      changes.push({ change: "removed", path, before: old });
    } else {
      const aspects = differingAspects({ path, before: old, after: current }, options);
      if (aspects.length > 0) changes.push({ change: "changed", path, before: old, after: current, aspects });
    }
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The pairs of files whose contents have to be looked at to know whether they are the same. */
export function* undecidedPairs(before: FileNode, after: FileNode): Generator<FilePair> {
  for (const [path, old, current] of pairsOf(rootPath, before, after)) {
    if (old !== undefined && current !== undefined && isUndecided(old, current)) {
      yield { path, before: old, after: current };
    }
  }
}

function isUndecided(before: FileNode, after: FileNode): boolean {
  if (before.attributes.type !== "file" || after.attributes.type !== "file") return false;
  if (before.size !== after.size || before.size === 0) return false;
  return before.origin?.blob !== after.origin?.blob || before.offset !== after.offset;
}

const none: ReadonlyMap<ByteString, FileNode> = new Map();

function* pairsOf(
  path: ImagePath,
  before: FileNode | undefined,
  after: FileNode | undefined,
): Generator<readonly [ImagePath, FileNode | undefined, FileNode | undefined]> {
  yield [path, before, after];
  const { children: old = none } = before ?? {};
  const { children: current = none } = after ?? {};
  for (const [name, child] of old) yield* pairsOf(childPath(path, name), child, current.get(name));
  for (const [name, child] of current) {
    if (!old.has(name)) yield* pairsOf(childPath(path, name), undefined, child);
  }
}

function differingAspects(pair: FilePair, { times, sameContent }: CompareOptions): FileAspect[] {
  const { before, after } = pair;
  const [a, b] = [before.attributes, after.attributes];
  const aspects: FileAspect[] = [];
  if (a.type !== b.type) aspects.push("type");
  if (a.type === "file" && b.type === "file") {
    if (before.size !== after.size) aspects.push("content", "size");
    else if (isUndecided(before, after) && !sameContent(pair)) aspects.push("content");
  }
  if (a.mode !== b.mode) aspects.push("mode");
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push("owner");
  if (a.type === b.type && a.type === "symlink" && a.linkname !== b.linkname) aspects.push("target");
  if (a.devmajor !== b.devmajor || a.devminor !== b.devminor) aspects.push("device");
  if (!haveSameXattrs(a.xattrs, b.xattrs)) aspects.push("xattrs");
  if (times && before.mtime !== after.mtime) aspects.push("time");
  return aspects;
}

/** Whether two files have the same extended attributes, in whatever order. */
export function haveSameXattrs(
  a: ReadonlyMap<ByteString, ByteString>,
  b: ReadonlyMap<ByteString, ByteString>,
): boolean {
  if (a === b) return true;
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
