import type { ByteString } from "./byte-string.ts";
import type { EntryType, TarHeader } from "./entry.ts";
import { invalidTar, type TarPlace } from "./fault.ts";
import {
  type BlockFormat,
  devmajorOf,
  devminorOf,
  formatOf,
  gidOf,
  linknameOf,
  modeOf,
  mtimeOf,
  nonNegative,
  ownerId,
  pathOf,
  sizeOf,
  typeflagOf,
  uidOf,
} from "./header-block.ts";
import { noPaxRecords, type PaxGlobals, type PaxRecords, parsePaxInteger } from "./pax.ts";
import { findPaxSparse, OldGnuSparseMap, type PaxSparse } from "./sparse.ts";
import { parseTimestamp } from "./timestamp.ts";
import { collectXattrs, noXattrs } from "./xattrs.ts";

/** What headers before an entry's own say about it. */
export interface Extensions {
  pax: PaxRecords;
  /** From GNU's `L` header; wins over PAX. */
  longName: ByteString | undefined;
  /** From GNU's `K` header; wins over PAX. */
  longLink: ByteString | undefined;
}

/** A header with all that other headers say about it folded in. */
export interface ResolvedHeader {
  readonly header: TarHeader;
  /** Bytes that the archive holds after the header; for a sparse file, not the expanded size. */
  readonly stored: number;
  /** Set for a sparse file: where its map is. */
  readonly sparse: OldGnuSparseMap | PaxSparse | undefined;
}

/** Folds an entry's header block, the extensions before it and the global records into one. */
export function resolveHeader(
  block: Buffer,
  extensions: Extensions,
  globals: PaxGlobals,
  place: TarPlace,
): ResolvedHeader {
  const { pax, longName, longLink } = extensions;
  const format = formatOf(block);
  const typeflag = typeflagOf(block);
  const plain = pax === noPaxRecords && globals.records.size === 0;
  /** The record's value; an empty one in the entry's own header takes a global one away. */
  const recordOf = (keyword: string): ByteString | undefined =>
    plain ? undefined : (pax.values.get(keyword) ?? globals.records.get(keyword)) || undefined;

  let path = longName ?? recordOf("path") ?? pathOf(block, format);
  const type = entryTypeOf(typeflag, path, format);
  const isFile = type === "file";
  const paxSparse = plain ? undefined : findPaxSparse(pax, place);
  if (paxSparse !== undefined) {
    if (!isFile) throw invalidTar(place, "something that is no file is marked as sparse");
    path = pax.values.get("GNU.sparse.name") || path;
  }
  if (typeflag === "S" && (format !== "gnu" || paxSparse !== undefined)) {
    throw invalidTar(place, "the sparse format cannot be told");
  }
  const gnuSparse = typeflag === "S" ? new OldGnuSparseMap(block, place) : undefined;

  const stored = isFile || typeflag === "D" ? (integerOf("size") ?? sizeOf(block, place)) : 0;
  nonNegative(stored, "size", place);
  const isDevice = (type === "character" || type === "block") && format !== "v7";
  const header: TarHeader = {
    path,
    type,
    mode: modeOf(block, place),
    uid: plain ? uidOf(block, place) : (idOf("uid") ?? uidOf(block, place)),
    gid: plain ? gidOf(block, place) : (idOf("gid") ?? gidOf(block, place)),
    size: isFile ? expandedSize() : 0,
    mtime: timeOf("mtime") ?? mtimeOf(block, place),
    linkname:
      type === "hardlink" || type === "symlink"
        ? (longLink ?? recordOf("linkpath") ?? linknameOf(block))
        : ("" as ByteString),
    devmajor: isDevice ? devmajorOf(block, place) : 0,
    devminor: isDevice ? devminorOf(block, place) : 0,
    xattrs: plain ? noXattrs : collectXattrs(globals, pax.values),
  };
  return { header, stored, sparse: gnuSparse ?? paxSparse };

  function expandedSize(): number {
    if (gnuSparse !== undefined) return gnuSparse.realSize;
    if (paxSparse === undefined) return stored;
    const size = integerOf("GNU.sparse.size") ?? integerOf("GNU.sparse.realsize") ?? stored;
    return nonNegative(size, "the sparse file's size", place);
  }

  function integerOf(keyword: string): number | undefined {
    const text = recordOf(keyword);
    if (text === undefined) return undefined;
    const value = parsePaxInteger(text);
    if (value === undefined) throw invalidTar(place, `${keyword} is not a valid number`);
    return value;
  }

  function idOf(keyword: string): number | undefined {
    const value = integerOf(keyword);
    return value === undefined ? undefined : ownerId(value, keyword, place);
  }

  function timeOf(keyword: string): string | undefined {
    const text = recordOf(keyword);
    if (text === undefined) return undefined;
    const value = parseTimestamp(text);
    if (value === undefined) throw invalidTar(place, `${keyword} is not a valid time`);
    return value;
  }
}

/**
 * What a typeflag makes. Links, devices, FIFOs and directories have no content whatever their size says, as Go's
 * archive/tar, and with it containerd and Docker, has it. Flags that POSIX does not name are files, as POSIX asks for
 * and GNU tar and Go have it; so is `7`, a contiguous file. `D` is GNU's directory with a listing as its content.
 */
function entryTypeOf(typeflag: string, path: ByteString, format: BlockFormat): EntryType {
  switch (typeflag) {
    case "1":
      return "hardlink";
    case "2":
      return "symlink";
    case "3":
      return "character";
    case "4":
      return "block";
    case "5":
    case "D":
      return "directory";
    case "6":
      return "fifo";
    default: {
      const old = typeflag === "\0" || (typeflag === "0" && format === "v7");
      return old && path.endsWith("/") ? "directory" : "file";
    }
  }
}
