import type { ByteString } from "../../../src/tar/byte-string.ts";
import type { EntryType, TarHeader } from "../../../src/tar/entry.ts";
import { bare, quoted, type Word, wordsOf } from "./case-words.ts";

/** An entry as a line of a case says it. */
export interface CaseEntry {
  readonly header: TarHeader;
  readonly content: string;
}

const types: Readonly<Record<string, EntryType>> = {
  dir: "directory",
  file: "file",
  link: "symlink",
  hard: "hardlink",
  char: "character",
  block: "block",
  fifo: "fifo",
};
const kinds = Object.fromEntries(Object.entries(types).map(([kind, type]) => [type, kind]));

/** What a line leaves unsaid. */
function defaultMode(type: EntryType): number {
  if (type === "directory") return 0o755;
  return type === "symlink" ? 0o777 : 0o644;
}

/** Whether the line is about a file, and not about bytes of the archive. */
export function isEntryLine(line: string): boolean {
  return Object.hasOwn(types, line.split(" ", 1)[0] ?? "");
}

/** The lines of a block of text that say something. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/**
 * Reads one line: kind, path, then in this order what the kind needs (`"content"` of a `file`, `-> target` of a `link`,
 * `=> target` of a `hard`, `major,minor` of a `char` or `block`), then any of an octal mode, `uid:gid`, `mtime=SECONDS`
 * and `xattr:NAME=VALUE`.
 */
export function parseEntryLine(line: string): CaseEntry {
  const [kind, path, ...rest] = wordsOf(line);
  const type = types[kind?.bytes ?? ""];
  if (type === undefined || path === undefined) throw new Error(`not an entry: ${line}`);
  const words = [...rest];
  const content = type === "file" && words[0]?.isQuoted === true ? (words.shift()?.bytes ?? "") : "";
  let linkname = "" as ByteString;
  if (type === "symlink" || type === "hardlink") {
    const [arrow, target] = words.splice(0, 2);
    if (arrow?.bytes !== (type === "symlink" ? "->" : "=>") || target === undefined)
      throw new Error(`a link without target: ${line}`);
    linkname = target.bytes;
  }
  const isDevice = type === "character" || type === "block";
  const [devmajor = 0, devminor = 0] = isDevice ? (words.shift()?.bytes ?? "").split(",").map(Number) : [];
  const more = attributes(words, line);
  const header = { path: path.bytes, type, size: content.length, linkname, devmajor, devminor };
  return { header: { ...header, mode: defaultMode(type), uid: 0, gid: 0, mtime: "0", ...more }, content };
}

function attributes(
  words: readonly Word[],
  line: string,
): Pick<TarHeader, "xattrs"> & Partial<Pick<TarHeader, "mode" | "uid" | "gid" | "mtime">> {
  const xattrs = new Map<ByteString, ByteString>();
  let more: Partial<TarHeader> = {};
  for (const { bytes } of words) {
    const [, uid, gid] = /^(\d+):(\d+)$/.exec(bytes) ?? [];
    const [, mtime] = /^mtime=(.+)$/.exec(bytes) ?? [];
    const [, name, value] = /^xattr:([^=]+)=(.*)$/s.exec(bytes) ?? [];
    if (/^[0-7]{4}$/.test(bytes)) more = { ...more, mode: Number.parseInt(bytes, 8) };
    else if (uid !== undefined) more = { ...more, uid: Number(uid), gid: Number(gid) };
    else if (mtime !== undefined) more = { ...more, mtime };
    else if (name !== undefined) xattrs.set(name as ByteString, value as ByteString);
    else throw new Error(`what is ${bytes} in: ${line}`);
  }
  return { ...more, xattrs };
}

/** The line that says what the entry is, defaults left out. */
export function formatEntry({ header, content }: CaseEntry): string {
  const { type, linkname, mode, uid, gid, mtime, devmajor, devminor, xattrs } = header;
  return [
    kinds[type],
    bare(header.path.replace(/(.)\/$/, "$1")),
    ...(type === "file" ? [quoted(content)] : []),
    ...(type === "symlink" ? ["->", bare(linkname)] : []),
    ...(type === "hardlink" ? ["=>", bare(linkname)] : []),
    ...(type === "character" || type === "block" ? [`${devmajor},${devminor}`] : []),
    ...(mode === defaultMode(type) ? [] : [mode.toString(8).padStart(4, "0")]),
    ...(uid === 0 && gid === 0 ? [] : [`${uid}:${gid}`]),
    ...(mtime === "0" ? [] : [`mtime=${mtime}`]),
    ...[...xattrs].sort().map(([name, value]) => `xattr:${name}=${quoted(value)}`),
  ].join(" ");
}
