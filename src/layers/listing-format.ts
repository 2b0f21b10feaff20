import type { ByteString } from "../tar/byte-string.ts";
import type { EntryType, TarHeader } from "../tar/entry.ts";
import type { MemberHead } from "../tar/member.ts";
import { noXattrs } from "../tar/xattrs.ts";
import type { ListedMember } from "./layer-listing.ts";

/**
 * The version of the format, a part of the entries' names. To be raised when the format changes, and when the tar
 * reader comes to read other headers out of the same bytes: then what is kept is no longer what reading would tell.
 */
export const listingVersion = 1;

/** Most characters of a line; a layer with a longer one is not kept. */
export const maxLineLength = 4 * 1024 * 1024;

const typeOfLetter: Readonly<Record<string, EntryType>> = {
  f: "file",
  d: "directory",
  s: "symlink",
  h: "hardlink",
  c: "character",
  b: "block",
  p: "fifo",
};
const letterOfType = new Map(Object.entries(typeOfLetter).map(([letter, type]) => [type, letter]));

/**
 * A member as a line of JSON: `[offset, type, path, mode, uid, gid, size, mtime]` and, as far as there is something
 * that is not the default, `linkname, devmajor, devminor, [name, value, …] of the attributes, content in base64`. Bytes
 * are characters U+0000 to U+00FF.
 */
export function encodeMember({ header, offset }: MemberHead, content: Uint8Array | undefined): string {
  const { path, type, mode, uid, gid, size, mtime, linkname, devmajor, devminor, xattrs } = header;
  const fields: unknown[] = [offset, letterOfType.get(type), path, mode, uid, gid, size, mtime];
  const isPlain = devmajor === 0 && devminor === 0 && xattrs.size === 0 && content === undefined;
  if (!isPlain) {
    fields.push(linkname, devmajor, devminor, [...xattrs].flat());
    if (content !== undefined) fields.push(Buffer.from(content).toString("base64"));
  } else if (linkname !== "") fields.push(linkname);
  return `${JSON.stringify(fields)}\n`;
}

/**
 * Reads such a line.
 *
 * @throws SyntaxError for anything else.
 */
export function decodeMember(line: string): ListedMember {
  const fields: unknown = JSON.parse(line);
  if (!Array.isArray(fields) || fields.length < 8) throw malformed();
  const [offset, letter, path, mode, uid, gid, size, mtime, linkname = "", major = 0, minor = 0] = fields;
  const [pairs = [], base64] = fields.slice(11);
  const type = typeOfLetter[textField(letter)];
  if (type === undefined || !Array.isArray(pairs)) throw malformed();
  const header: TarHeader = {
    path: bytesField(path),
    type,
    mode: countField(mode),
    uid: countField(uid),
    gid: countField(gid),
    size: countField(size),
    mtime: textField(mtime),
    linkname: bytesField(linkname),
    devmajor: countField(major),
    devminor: countField(minor),
    xattrs: pairs.length === 0 ? noXattrs : new Map(pairsOf(pairs)),
  };
  const content = base64 === undefined ? undefined : Buffer.from(textField(base64), "base64");
  if (content !== undefined && content.byteLength !== header.size) throw malformed();
  return { header, offset: countField(offset), content };
}

function* pairsOf(flat: readonly unknown[]): Generator<[ByteString, ByteString]> {
  for (let i = 0; i < flat.length; i += 2) yield [bytesField(flat[i]), bytesField(flat[i + 1])];
}

function countField(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed();
}

function textField(value: unknown): string {
  if (typeof value === "string") return value;
  throw malformed();
}

function bytesField(value: unknown): ByteString {
  return textField(value) as ByteString;
}

function malformed(): SyntaxError {
  return new SyntaxError("a line of a listing makes no sense");
}
