import type { ByteString } from "./byte-string.ts";

/** What kind of file an entry makes. `hardlink` has its target in `linkname`, a path in the same archive's terms. */
export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";

/**
 * A time as the archive wrote it: seconds since the epoch in decimal, a minus sign and a fraction of any length
 * allowed (`1731000000`, `-1.5`, `1731000000.123456789`). Never rounded. Canonical: no leading zeros, no trailing
 * zeros in the fraction, no `-0`.
 */
export type Timestamp = string;

/**
 * One member of a tar archive with all that PAX, GNU and ustar say about it folded in.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
 */
export interface TarHeader {
  /** As written in the archive, neither cleaned nor checked. */
  readonly path: ByteString;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky, at most 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file's content; for a sparse file, expanded. 0 unless `type` is `file`. */
  readonly size: number;
  readonly mtime: Timestamp;
  /** Target of a symlink or hardlink, as written; empty otherwise. */
  readonly linkname: ByteString;
  readonly devmajor: number;
  readonly devminor: number;
  /** Names without the `SCHILY.xattr.` prefix; values byte-exact. Empty map shared by entries without any. */
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}
