import type { FileNode } from "../layers/file-node.ts";
import type { ImageFile } from "../ops/image-files.ts";
import { type ByteString, textOfBytes } from "../tar/byte-string.ts";
import type { EntryType } from "../tar/entry.ts";

const typeLetters: Readonly<Record<EntryType, string>> = {
  file: "-",
  hardlink: "-",
  directory: "d",
  symlink: "l",
  character: "c",
  block: "b",
  fifo: "p",
};

/** Lines as `ls -l` has them: type and mode, owner, size, time in UTC, path. */
export function describeFiles(files: readonly ImageFile[]): string {
  const rows = files.map(({ path, node }) => {
    const { type, mode, uid, gid, linkname, devmajor, devminor } = node.attributes;
    const isDevice = type === "character" || type === "block";
    return {
      mode: `${typeLetters[type]}${permissions(mode)}`,
      owner: `${uid}:${gid}`,
      size: isDevice ? `${devmajor},${devminor}` : String(node.size),
      time: formatTime(node.mtime),
      name: `${shownPath(path, node)}${type === "symlink" ? ` -> ${printable(linkname)}` : ""}`,
    };
  });
  const ownerWidth = longest(rows.map(({ owner }) => owner));
  const sizeWidth = longest(rows.map(({ size }) => size));
  return rows
    .map(
      ({ mode, owner, size, time, name }) =>
        `${mode} ${owner.padEnd(ownerWidth)} ${size.padStart(sizeWidth)} ${time} ${name}\n`,
    )
    .join("");
}

/** Of texts that may be more than a call takes arguments. */
function longest(texts: readonly string[]): number {
  return texts.reduce((width, { length }) => Math.max(width, length), 0);
}

/** The same for programs. Names that are not UTF-8 are given in base64 besides; attribute values always are. */
export function filesDocument(files: readonly ImageFile[]): unknown {
  return files.map(({ path, node }) => ({ ...pathDocument(path), ...nodeDocument(node) }));
}

/** A path for programs. */
export function pathDocument(path: ByteString): { readonly path: string; readonly pathBase64?: string } {
  return { path: `/${textOfBytes(path)}`, ...(!isUtf8(path) && { pathBase64: base64(path) }) };
}

/** What a file is, for programs. */
export function nodeDocument(node: FileNode): object {
  const { type, mode, uid, gid, linkname, devmajor, devminor, xattrs } = node.attributes;
  return {
    type,
    mode: formatMode(mode),
    uid,
    gid,
    size: node.size,
    mtime: node.mtime,
    ...(type === "symlink" && { target: textOfBytes(linkname) }),
    ...((type === "character" || type === "block") && { device: [devmajor, devminor] }),
    ...(xattrs.size > 0 && {
      xattrs: Object.fromEntries([...xattrs].map(([name, value]) => [textOfBytes(name), base64(value)])),
    }),
  };
}

/** Four octal digits. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** A path as lists for people have it: absolute, a directory's with a slash at its end. */
export function shownPath(path: ByteString, { attributes: { type } }: FileNode): string {
  return `/${printable(path)}${type === "directory" && path !== "" ? "/" : ""}`;
}

function permissions(mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift;
    const isSpecial = (mode & special) !== 0;
    const runs = (bits & 1) !== 0;
    const execute = isSpecial ? (runs ? letter : letter.toUpperCase()) : runs ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${execute}`;
  };
  return triple(6, 0o4000, "s") + triple(3, 0o2000, "s") + triple(0, 0o1000, "t");
}

/** A time for people, in UTC. */
export function formatTime(mtime: string): string {
  const date = new Date(Math.floor(Number(mtime)) * 1000);
  return Number.isNaN(date.getTime()) ? mtime : date.toISOString().slice(0, 19).replace("T", " ");
}

/** A name for a terminal: a backslash doubled, and every byte that is not of a printable character as `\\xNN`. */
export function printable(name: ByteString): string {
  const characters = isUtf8(name) ? [...textOfBytes(name)] : [...name];
  return characters
    .map((character) => (isPlain(character, isUtf8(name)) ? character : escaped(character, name)))
    .join("");
}

function isPlain(character: string, isText: boolean): boolean {
  return character !== "\\" && !/\p{C}/u.test(character) && (isText || character < "\u0080");
}

function escaped(character: string, name: ByteString): string {
  if (character === "\\") return "\\\\";
  const bytes = Buffer.from(character, isUtf8(name) ? "utf8" : "latin1");
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

function isUtf8(bytes: ByteString): boolean {
  return Buffer.from(textOfBytes(bytes), "utf8").toString("latin1") === bytes;
}

function base64(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("base64");
}
