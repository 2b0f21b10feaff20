import { invalidTar, oversizedTar, type TarPlace } from "./fault.ts";
import { blockSize } from "./header-block.ts";
import { parseNumber } from "./numeric-field.ts";
import { type PaxRecords, parsePaxInteger } from "./pax.ts";

/** A part of a sparse file that the archive holds; everything between the parts is zeros. */
export interface SparsePart {
  /** Where in the expanded file the part begins. */
  readonly offset: number;
  readonly length: number;
}

/** Most bytes that a sparse map may take in the archive. */
const mapLimit = 1024 * 1024;

/** A sparse file in one of GNU's PAX forms: 0.0 and 0.1 have the map in the records, 1.0 in front of the content. */
export interface PaxSparse {
  readonly form: "records" | "content";
  readonly pax: PaxRecords;
}

/**
 * Tells whether and how an extended header makes the file a sparse one.
 *
 * @see https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html
 */
export function findPaxSparse(pax: PaxRecords, place: TarPlace): PaxSparse | undefined {
  const { values, sparsePairs } = pax;
  const major = values.get("GNU.sparse.major");
  const minor = values.get("GNU.sparse.minor");
  if (major !== undefined || minor !== undefined) {
    if (major === "1" && minor === "0") return { form: "content", pax };
    if (major === "0" && (minor === "0" || minor === "1")) return { form: "records", pax };
    throw invalidTar(place, "the sparse format's version is unknown");
  }
  return sparsePairs.length > 0 || values.has("GNU.sparse.map") || values.has("GNU.sparse.numblocks")
    ? { form: "records", pax }
    : undefined;
}

/** The map of the forms 0.0 and 0.1. */
export function sparseMapOfRecords({ values, sparsePairs }: PaxRecords, place: TarPlace): SparsePart[] {
  const map = values.get("GNU.sparse.map") ?? "";
  const numbers = sparsePairs.length > 0 ? sparsePairs : map === "" ? [] : map.split(",");
  const count = values.get("GNU.sparse.numblocks");
  if (count !== undefined && parsePaxInteger(count) !== numbers.length / 2) {
    throw invalidTar(place, "the sparse map has not as many parts as it says");
  }
  return pairUp(numbers, place);
}

/** The map of the form 1.0, taken from the content's first blocks. */
export class SparseMapText {
  readonly #place: TarPlace;
  #text = "";
  #lines = 0;
  #parts: number | undefined;

  constructor(place: TarPlace) {
    this.#place = place;
  }

  /** Takes a block. Gives whether the map is complete. */
  add(block: Buffer): boolean {
    this.#text += block.toString("latin1");
    if (this.#text.length > mapLimit) throw oversizedMap(this.#place);
    for (let at = block.indexOf(10); at !== -1; at = block.indexOf(10, at + 1)) this.#lines += 1;
    if (this.#parts === undefined && this.#lines > 0) {
      this.#parts = sparseNumber(this.#text.slice(0, this.#text.indexOf("\n")), this.#place);
      if (this.#parts > mapLimit) throw oversizedMap(this.#place);
    }
    return this.#parts !== undefined && this.#lines > 2 * this.#parts;
  }

  /** The complete map. */
  parts(): SparsePart[] {
    return pairUp(this.#text.split("\n").slice(1, 1 + 2 * (this.#parts ?? 0)), this.#place);
  }
}

/** The map of the old GNU form: some parts in the header, more in blocks that follow it. */
export class OldGnuSparseMap {
  readonly parts: SparsePart[] = [];
  /** Bytes of the expanded file. */
  readonly realSize: number;
  /** Whether a block with more parts follows. */
  extended: boolean;
  readonly #place: TarPlace;
  #size = 0;

  constructor(header: Buffer, place: TarPlace) {
    this.#place = place;
    this.#add(header, 386, 4);
    this.extended = header[482] !== 0;
    this.realSize = field(header, 483, place);
  }

  /** Takes the block after the header or after the last such block. */
  extend(block: Buffer): void {
    this.#size += blockSize;
    if (this.#size > mapLimit) throw oversizedMap(this.#place);
    this.#add(block, 0, 21);
    this.extended = block[504] !== 0;
  }

  #add(block: Buffer, start: number, count: number): void {
    for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24) {
      this.parts.push({ offset: field(block, at, this.#place), length: field(block, at + 12, this.#place) });
    }
  }
}

/**
 * Refuses maps whose parts overlap, are out of order, lie beyond the file's end or are not what the archive holds.
 *
 * @param stored bytes of content in the archive, without the map.
 * @param size bytes of the expanded file.
 */
export function checkSparseMap(
  parts: readonly SparsePart[],
  stored: number,
  size: number,
  place: TarPlace,
): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of parts) {
    if (offset < end) throw invalidTar(place, "the sparse map's parts overlap or are out of order");
    end = offset + length;
    total += length;
    if (end > size) throw invalidTar(place, "the sparse map reaches beyond the file's size");
  }
  if (total !== stored) throw invalidTar(place, "the sparse map does not match the bytes stored");
}

function pairUp(numbers: readonly string[], place: TarPlace): SparsePart[] {
  if (numbers.length % 2 !== 0)
    throw invalidTar(place, "the sparse map's offsets and lengths are not in pairs");
  const parts: SparsePart[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    parts.push({
      offset: sparseNumber(numbers[at] ?? "", place),
      length: sparseNumber(numbers[at + 1] ?? "", place),
    });
  }
  return parts;
}

function sparseNumber(text: string, place: TarPlace): number {
  return checked(parsePaxInteger(text), place);
}

function field(block: Buffer, start: number, place: TarPlace): number {
  return checked(parseNumber(block, start, 12), place);
}

function checked(value: number | undefined, place: TarPlace): number {
  if (value === undefined || value < 0)
    throw invalidTar(place, "the sparse map has a number that is not valid");
  return value;
}

function oversizedMap(place: TarPlace): Error {
  return oversizedTar(place, `the sparse map is larger than ${mapLimit} bytes`);
}
