import type { BigIntStats } from "node:fs";
import type { ByteString } from "../../tar/byte-string.ts";
import type { EntryType } from "../../tar/entry.ts";

/** What tells a file from all others, and from itself after a change. Times are nanoseconds since the epoch. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

/** What a name in a directory of this machine stood for when it was looked at. */
export interface LocalEntry {
  readonly type: Exclude<EntryType, "hardlink"> | "socket";
  /** Permission bits with setuid, setgid and sticky; 0777 for symlinks. */
  readonly mode: number;
  /** Bytes of content; 0 for all that are not regular files. */
  readonly size: number;
  /** Of symlinks, as written; empty otherwise. */
  readonly linkname: ByteString;
  readonly devmajor: number;
  readonly devminor: number;
  readonly identity: FileIdentity;
  /** Whether it has other names as well, here or elsewhere. */
  readonly hasOtherNames: boolean;
}

/** What lstat(2) and readlink(2) found. */
export function localEntry(stats: BigIntStats, linkname: ByteString): LocalEntry {
  const type = typeOf(stats);
  const isDevice = type === "character" || type === "block";
  return {
    type,
    mode: type === "symlink" ? 0o777 : Number(stats.mode & 0o7777n),
    size: type === "file" ? Number(stats.size) : 0,
    linkname,
    devmajor: isDevice ? Number(((stats.rdev >> 8n) & 0xfffn) | ((stats.rdev >> 32n) & 0xfffff000n)) : 0,
    devminor: isDevice ? Number((stats.rdev & 0xffn) | ((stats.rdev >> 12n) & 0xffffff00n)) : 0,
    identity: identityOf(stats),
    hasOtherNames: stats.nlink > 1n,
  };
}

/** The identity that a status tells. */
export function identityOf({ dev, ino, mtimeNs, ctimeNs }: BigIntStats): FileIdentity {
  return { device: dev, inode: ino, mtime: mtimeNs, ctime: ctimeNs };
}

function typeOf(stats: BigIntStats): LocalEntry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  return stats.isFIFO() ? "fifo" : "socket";
}
