import type { ByteString } from "./byte-string.ts";
import type { Timestamp } from "./entry.ts";
import { invalidTar, type TarPlace } from "./fault.ts";
import { isBase256, parseBase256, parseNumber, parseOctal } from "./numeric-field.ts";

/** Bytes per block of an archive. */
export const blockSize = 512;

/** How many bytes fill up the last block of `size` bytes. */
export function paddingOf(size: number): number {
  const used = size % blockSize;
  return used === 0 ? 0 : blockSize - used;
}

/**
 * Which of the historical layouts a block has. `star` differs from `ustar` in a shorter prefix, `gnu` has other fields
 * in the prefix's place, `v7` has none of them.
 */
export type BlockFormat = "v7" | "ustar" | "star" | "gnu";

/** Whether the block is the mark that, twice, ends an archive. */
export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < blockSize; at += 1) if (block[at] !== 0) return false;
  return true;
}

const checksumStart = 148;
const checksumEnd = 156;

/** Whether the block's checksum is right, taken over unsigned bytes or, as some old writers did, over signed ones. */
export function hasRightChecksum(block: Buffer): boolean {
  const expected = parseOctal(block, checksumStart, checksumEnd - checksumStart);
  let unsigned = 0x20 * (checksumEnd - checksumStart);
  for (let at = 0; at < checksumStart; at += 1) unsigned += block[at] ?? 0;
  for (let at = checksumEnd; at < blockSize; at += 1) unsigned += block[at] ?? 0;
  if (unsigned === expected) return true;
  let signed = unsigned;
  for (let at = 0; at < blockSize; at += 1) {
    if ((at < checksumStart || at >= checksumEnd) && (block[at] ?? 0) > 0x7f) signed -= 0x100;
  }
  return signed === expected;
}

/** Tells the layout by the magic. */
export function formatOf(block: Buffer): BlockFormat {
  if (!holds(block, 257, "ustar")) return "v7";
  if (block[262] === 0) return holds(block, 508, "tar\0") ? "star" : "ustar";
  return holds(block, 262, "  \0") ? "gnu" : "v7";
}

/** The entry's kind as the block has it, one character. */
export function typeflagOf(block: Buffer): string {
  return String.fromCharCode(block[156] ?? 0);
}

/** The path, from the name and, where the layout has one, the prefix. */
export function pathOf(block: Buffer, format: BlockFormat): ByteString {
  const name = textField(block, 0, 100);
  const prefix = format === "v7" ? "" : prefixOf(block, format);
  return prefix === "" ? name : (`${prefix}/${name}` as ByteString);
}

function prefixOf(block: Buffer, format: BlockFormat): string {
  if (format === "gnu") return misplacedPrefix(block);
  return textField(block, 345, format === "star" ? 131 : 155);
}

/**
 * Go before 1.8 put a prefix into GNU headers, where access and change time belong. It is taken for one when those
 * cannot be times, as Go does since.
 */
function misplacedPrefix(block: Buffer): string {
  if (block[345] === 0) return "";
  if (parseNumber(block, 345, 12) !== undefined && parseNumber(block, 357, 12) !== undefined) return "";
  const prefix = textField(block, 345, 155);
  return /^[^\u0080-\u00ff]*$/.test(prefix) ? prefix : "";
}

/** The target of a link. */
export function linknameOf(block: Buffer): ByteString {
  return textField(block, 157, 100);
}

/** Permission bits; those that tell the file's kind, which some writers add, are left out. */
export function modeOf(block: Buffer, place: TarPlace): number {
  return nonNegative(parseNumber(block, 100, 8), "mode", place) % 0o10000;
}

export function uidOf(block: Buffer, place: TarPlace): number {
  return ownerId(parseNumber(block, 108, 8), "uid", place);
}

export function gidOf(block: Buffer, place: TarPlace): number {
  return ownerId(parseNumber(block, 116, 8), "gid", place);
}

export function sizeOf(block: Buffer, place: TarPlace): number {
  return nonNegative(parseNumber(block, 124, 12), "size", place);
}

export function mtimeOf(block: Buffer, place: TarPlace): Timestamp {
  if (!isBase256(block, 136)) return String(nonNegative(parseOctal(block, 136, 12), "mtime", place));
  const seconds = parseBase256(block, 136, 12);
  if (BigInt.asIntN(64, seconds) !== seconds) throw invalidTar(place, "mtime is out of range");
  return String(seconds);
}

export function devmajorOf(block: Buffer, place: TarPlace): number {
  return nonNegative(parseNumber(block, 329, 8), "devmajor", place);
}

export function devminorOf(block: Buffer, place: TarPlace): number {
  return nonNegative(parseNumber(block, 337, 8), "devminor", place);
}

/** Ids are 32 bits wide; a negative one, as some systems have for nobody, is taken as chown takes it. */
export function ownerId(id: number | undefined, field: string, place: TarPlace): number {
  if (id === undefined || id < -(2 ** 31) || id >= 2 ** 32)
    throw invalidTar(place, `${field} is not a valid id`);
  return id < 0 ? id + 2 ** 32 : id;
}

/** A number that counts something. */
export function nonNegative(value: number | undefined, field: string, place: TarPlace): number {
  if (value === undefined) throw invalidTar(place, `${field} is not a valid number`);
  if (value < 0) throw invalidTar(place, `${field} is negative`);
  return value;
}

/** The field's bytes up to its first NUL. */
function textField(block: Buffer, start: number, length: number): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end += 1;
  return block.toString("latin1", start, end) as ByteString;
}

function holds(block: Buffer, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (block[start + at] !== text.charCodeAt(at)) return false;
  return true;
}
