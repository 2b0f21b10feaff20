import { createHash } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { readXattrs, type Xattrs } from "./xattrs.ts";

/** What kind of file an entry is. */
export type TreeEntryType =
  | "file"
  | "directory"
  | "symlink"
  | "block device"
  | "character device"
  | "fifo"
  | "socket";

/** One file of an unpacked tree, as lstat(2), readlink(2) and getfattr(1) show it. */
export interface TreeEntry {
  readonly type: TreeEntryType;
  /** Permission bits with setuid, setgid and sticky, to 07777; 0777 for symlinks. */
  readonly mode: number;
  readonly uid: bigint;
  readonly gid: bigint;
  /** Bytes; of files only. */
  readonly size: bigint | undefined;
  /** Nanoseconds since 1970, negative before. */
  readonly mtime: bigint;
  /** Of symlinks; latin1. */
  readonly linkTarget: string | undefined;
  /** `major:minor`, of devices. */
  readonly device: string | undefined;
  readonly xattrs: Xattrs;
  /** Hexadecimal; of files only. */
  readonly sha256: string | undefined;
  /** All names of this file within the tree, sorted, when there is more than one. */
  readonly hardlinks: readonly string[];
}

/**
 * A tree by path. Paths are relative to its root (`.` is the root itself) and latin1: one character for each byte, so
 * that names that are not UTF-8 survive. {@link displayPath} makes them readable.
 */
export type Tree = ReadonlyMap<string, TreeEntry>;

/** Walks a directory tree, or what a single path is. Follows no symlink. */
export async function readTree(directory: string): Promise<Tree> {
  const xattrs = await readXattrs(directory);
  const entries = new Map<string, TreeEntry>();
  const namesByInode = new Map<string, string[]>();

  const visit = (path: string): void => {
    const location = path === "." ? Buffer.from(directory) : under(directory, path);
    const stats = lstatSync(location, { bigint: true });
    const type = typeOf(stats);
    let hardlinks: string[] = [];
    if (type !== "directory" && stats.nlink > 1n) {
      const inode = `${stats.dev}:${stats.ino}`;
      hardlinks = namesByInode.get(inode) ?? [];
      hardlinks.push(path);
      namesByInode.set(inode, hardlinks);
    }
    const isDevice = type === "block device" || type === "character device";
    entries.set(path, {
      type,
      mode: Number(stats.mode & 0o7777n),
      uid: stats.uid,
      gid: stats.gid,
      size: type === "file" ? stats.size : undefined,
      mtime: stats.mtimeNs,
      linkTarget:
        type === "symlink" ? readlinkSync(location, { encoding: "buffer" }).toString("latin1") : undefined,
      device: isDevice ? deviceNumbers(stats.rdev) : undefined,
      xattrs: xattrs.get(path) ?? new Map(),
      sha256: type === "file" ? sha256Of(location) : undefined,
      hardlinks,
    });
    if (type !== "directory") return;
    const names = readdirSync(location, { encoding: "buffer" }).map((name) => name.toString("latin1"));
    for (const name of names.sort()) visit(path === "." ? name : `${path}/${name}`);
  };
  visit(".");
  for (const names of namesByInode.values()) {
    names.sort();
    if (names.length === 1) names.length = 0;
  }
  return entries;
}

/** What lies at and below a path, by paths relative to it, hardlinks to names outside forgotten. */
export function subtree(tree: Tree, top: string): Tree {
  const inside = (path: string) => path === top || path.startsWith(`${top}/`);
  const relative = (path: string) => (path === top ? "." : path.slice(top.length + 1));
  const entries = new Map<string, TreeEntry>();
  for (const [path, entry] of tree) {
    if (!inside(path)) continue;
    const links = entry.hardlinks.filter(inside).map(relative);
    entries.set(relative(path), { ...entry, hardlinks: links.length > 1 ? links : [] });
  }
  return entries;
}

/** A latin1 path for people: UTF-8 where it is valid, bytes escaped where it is not. */
export function displayPath(path: string): string {
  const bytes = Buffer.from(path, "latin1");
  const text = bytes.toString();
  if (Buffer.from(text).equals(bytes)) return JSON.stringify(text).slice(1, -1);
  return path.replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function under(directory: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);
}

function typeOf(stats: BigIntStats): TreeEntryType {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isBlockDevice()) return "block device";
  if (stats.isCharacterDevice()) return "character device";
  return stats.isFIFO() ? "fifo" : "socket";
}

/** The dev_t of Linux, in the words of makedev(3). */
function deviceNumbers(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

function sha256Of(location: Buffer): string {
  const hash = createHash("sha256");
  const file = openSync(location, "r");
  try {
    for (;;) {
      const length = readSync(file, chunk);
      if (length === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

const chunk = Buffer.allocUnsafe(256 * 1024);
