import { isUtf8 } from "node:buffer";
import { ComposeImageError } from "../model/errors.ts";
import type { EntryType, TarHeader } from "./entry.ts";
import { quotePath } from "./fault.ts";
import { blockSize, paddingOf } from "./header-block.ts";
import { formatPaxRecord } from "./pax.ts";
import { isTimestamp } from "./timestamp.ts";
import { xattrPrefix } from "./xattrs.ts";

/**
 * The blocks that precede an entry's content: one ustar header where all fits into it, and before it a PAX extended
 * header with what does not, its records sorted. The bytes depend on the header alone. Directories get a trailing
 * slash. User and group names, access and change times are not written.
 *
 * Names are bytes. Short ones go into the ustar fields as they are, which Go's archive/tar, GNU tar, libarchive and
 * Python all take byte for byte; Go writes a PAX record for anything but ASCII, but reads both. Long ones go into PAX
 * records, which those readers take byte for byte, too, although records are meant to be UTF-8; where one is not,
 * `hdrcharset=BINARY` says so, as POSIX asks for. Python and libarchive heed it; Go ignores it; GNU tar warns that it
 * does not know it and extracts the right name.
 *
 * @throws ComposeImageError `LAYER_INVALID` for what an archive cannot hold: an empty path, a NUL in a name, a path that
 *   ends in a slash and is no directory, an attribute whose name has an equals sign, numbers out of range.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "ustar Interchange Format"
 */
export function encodeHeader(header: TarHeader): Buffer {
  expectEncodable(header);
  const { type, mode, uid, gid, size, mtime, linkname, devmajor, devminor } = header;
  const path = type === "directory" && !header.path.endsWith("/") ? `${header.path}/` : header.path;
  const records: [keyword: string, value: string][] = [];
  const fitting = (keyword: string, value: number, largest: number): number => {
    if (value <= largest) return value;
    records.push([keyword, String(value)]);
    return 0;
  };

  const split = splitPath(path);
  if (split === undefined) records.push(["path", path]);
  if (linkname.length > nameLength) records.push(["linkpath", linkname]);
  if (records.some(([, value]) => !isUtf8(Buffer.from(value, "latin1"))))
    records.push(["hdrcharset", "BINARY"]);
  if (!/^\d{1,10}$/.test(mtime) || Number(mtime) > largestLong) records.push(["mtime", mtime]);
  const seconds = Math.trunc(Number(mtime));
  for (const [name, value] of header.xattrs) records.push([xattrPrefix + name, value]);

  const block = ustarBlock({
    prefix: split?.prefix ?? "",
    name: split?.name ?? path.slice(0, nameLength),
    typeflag: typeflags[type],
    mode,
    uid: fitting("uid", uid, largestShort),
    gid: fitting("gid", gid, largestShort),
    size: fitting("size", size, largestLong),
    mtime: seconds >= 0 && seconds <= largestLong ? seconds : 0,
    linkname: linkname.slice(0, nameLength),
    devmajor,
    devminor,
  });
  if (records.length === 0) return block;
  records.sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([encodeExtension(records), block]);
}

/** What follows a content of `size` bytes, up to the next header: 0 to 511 zero bytes, shared. */
export function bodyPadding(size: number): Buffer {
  return zeroBlock.subarray(0, paddingOf(size));
}

const zeroBlock = Buffer.alloc(blockSize);

/** The end mark: two zero blocks. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockSize);

const nameLength = 100;
const prefixLength = 155;

/** Largest numbers of fields with 7 and with 11 octal digits. */
const largestShort = 0o7777777;
const largestLong = 0o77777777777;

const typeflags: Readonly<Record<EntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

interface UstarFields {
  readonly prefix: string;
  readonly name: string;
  readonly typeflag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkname: string;
  readonly devmajor: number;
  readonly devminor: number;
}

function ustarBlock(fields: UstarFields): Buffer {
  const block = Buffer.allocUnsafe(blockSize);
  block.set(emptyBlock);
  block.write(fields.name, 0, "latin1");
  writeOctal(block, fields.mode, 100, 7);
  writeOctal(block, fields.uid, 108, 7);
  writeOctal(block, fields.gid, 116, 7);
  writeOctal(block, fields.size, 124, 11);
  writeOctal(block, fields.mtime, 136, 11);
  block[156] = fields.typeflag.charCodeAt(0);
  if (fields.linkname !== "") block.write(fields.linkname, 157, "latin1");
  writeOctal(block, fields.devmajor, 329, 7);
  writeOctal(block, fields.devminor, 337, 7);
  if (fields.prefix !== "") block.write(fields.prefix, 345, "latin1");
  let checksum = 0;
  for (let at = 0; at < blockSize; at += 1) checksum += block[at] ?? 0;
  writeOctal(block, checksum, 148, 6);
  block[154] = 0;
  return block;
}

/** What all headers have in common; the checksum is taken over spaces in its own place. */
const emptyBlock = Buffer.alloc(blockSize);
emptyBlock.write("        ", 148, "latin1");
emptyBlock.write("ustar\x0000", 257, "latin1");

function writeOctal(block: Buffer, value: number, start: number, digits: number): void {
  let left = value;
  for (let at = start + digits - 1; at >= start; at -= 1) {
    block[at] = 0x30 + (left % 8);
    left = Math.floor(left / 8);
  }
}

/** An extended header of its own, which has a name only for readers that do not know PAX. */
function encodeExtension(records: readonly (readonly [string, string])[]): Buffer {
  const text = records.map(([keyword, value]) => formatPaxRecord(keyword, value)).join("");
  const header = ustarBlock({
    prefix: "",
    name: "././@PaxHeader",
    typeflag: "x",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: text.length,
    mtime: 0,
    linkname: "",
    devmajor: 0,
    devminor: 0,
  });
  return Buffer.concat([header, Buffer.from(text, "latin1"), bodyPadding(text.length)]);
}

/** Cuts a path at a slash so that both halves fit; the slash itself is not stored. */
function splitPath(path: string): { prefix: string; name: string } | undefined {
  if (path.length <= nameLength) return { prefix: "", name: path };
  const slash = path.lastIndexOf("/", Math.min(prefixLength, path.length - 2));
  if (slash <= 0 || path.length - slash - 1 > nameLength) return undefined;
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}

function expectEncodable(header: TarHeader): void {
  const { path, type, mode, uid, gid, size, mtime, linkname, devmajor, devminor, xattrs } = header;
  const refuse = (what: string): never => {
    throw new ComposeImageError(
      "LAYER_INVALID",
      `${quotePath(path)} does not fit into a tar archive: ${what}`,
    );
  };
  const expectNumber = (field: string, value: number, largest: number): void => {
    if (!Number.isSafeInteger(value) || value < 0 || value > largest) refuse(`${field} is ${value}`);
  };
  if (path === "") refuse("the path is empty");
  if (path.includes("\0") || linkname.includes("\0")) refuse("a NUL in a name");
  if (path.endsWith("/") && type !== "directory") refuse("the path ends in a slash, but it is no directory");
  expectNumber("mode", mode, 0o7777);
  expectNumber("uid", uid, 2 ** 32 - 1);
  expectNumber("gid", gid, 2 ** 32 - 1);
  expectNumber("size", size, type === "file" ? Number.MAX_SAFE_INTEGER : 0);
  expectNumber("devmajor", devmajor, largestShort);
  expectNumber("devminor", devminor, largestShort);
  if (!isTimestamp(mtime)) refuse(`mtime is ${JSON.stringify(mtime)}`);
  for (const name of xattrs.keys())
    if (/^$|[\0=]/.test(name)) refuse(`an attribute is named ${quotePath(name)}`);
}
