import { type ByteString, bytesOfText } from "../../../src/tar/byte-string.ts";
import type { EntryType, TarHeader } from "../../../src/tar/entry.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../../../src/tar/writer.ts";

/** An entry of a layer, in few words. Paths, targets and contents are text, or bytes as a byte string is. */
export interface EntrySpec {
  readonly path: string;
  readonly type: EntryType;
  readonly content?: string;
  readonly linkname?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: string;
  readonly devmajor?: number;
  readonly devminor?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
}

type More = Partial<Omit<EntrySpec, "path" | "type">>;

/** A regular file. */
export const file = (path: string, content = `content of ${path}`, more: More = {}): EntrySpec => ({
  path,
  type: "file",
  content,
  ...more,
});

/** A directory. */
export const dir = (path: string, more: More = {}): EntrySpec => ({ path, type: "directory", ...more });

/** A symlink. */
export const symlink = (path: string, linkname: string, more: More = {}): EntrySpec => ({
  path,
  type: "symlink",
  linkname,
  ...more,
});

/** A hardlink. */
export const hardlink = (path: string, linkname: string, more: More = {}): EntrySpec => ({
  path,
  type: "hardlink",
  linkname,
  ...more,
});

/** A whiteout of a path. */
export const whiteout = (path: string): EntrySpec => file(path.replace(/([^/]+)$/, ".wh.$1"), "");

/** The mark of an opaque directory; without a path, of the root. */
export const opaque = (directory = ""): EntrySpec =>
  file(`${directory === "" ? "" : `${directory}/`}.wh..wh..opq`, "");

const defaultModes: Partial<Record<EntryType, number>> = { directory: 0o755, symlink: 0o777 };

function headerOf(entry: EntrySpec): TarHeader {
  const { type, content = "" } = entry;
  return {
    path: bytesOfText(entry.path),
    type,
    mode: entry.mode ?? defaultModes[type] ?? 0o644,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    size: type === "file" ? Buffer.byteLength(content) : 0,
    mtime: entry.mtime ?? "1000",
    linkname: bytesOfText(entry.linkname ?? ""),
    devmajor: entry.devmajor ?? 0,
    devminor: entry.devminor ?? 0,
    xattrs: new Map(
      Object.entries(entry.xattrs ?? {}).map(([name, value]) => [bytesOfText(name), value as ByteString]),
    ),
  };
}

/** A layer's tar. */
export function tarOf(entries: readonly EntrySpec[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? "");
    return [encodeHeader(headerOf(entry)), content, bodyPadding(content.byteLength)];
  });
  return Buffer.concat([...parts, endOfArchive]);
}
