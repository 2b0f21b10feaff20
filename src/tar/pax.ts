import type { ByteString } from "./byte-string.ts";
import { invalidTar, type TarPlace } from "./fault.ts";
import { collectXattrs, type GlobalXattrs, noXattrs, type Xattrs } from "./xattrs.ts";

/** What one PAX extended header says, by keyword. */
export interface PaxRecords {
  readonly values: ReadonlyMap<string, ByteString>;
  /** Values of `GNU.sparse.offset` and `GNU.sparse.numbytes` in turn: the only keywords that count each time. */
  readonly sparsePairs: readonly string[];
}

export const noPaxRecords: PaxRecords = { values: new Map(), sparsePairs: [] };

/** Most bytes of one extended header. */
export const paxLimit = 1024 * 1024;

/** Most bytes that global headers may add up to: they count for every entry, so that each byte may cost as often. */
export const globalPaxLimit = 64 * 1024;

const space = 0x20;
const newline = 0x0a;
const equals = 0x3d;
const zero = 0x30;

/**
 * Takes an extended header's body apart: records of the form `LENGTH KEYWORD=VALUE\n`, where the length counts the
 * whole record. Values are bytes, so it makes no difference whether `hdrcharset` is given.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "pax Extended Header"
 * @throws ComposeImageError `LAYER_INVALID`.
 */
export function parsePaxRecords(body: Buffer, place: TarPlace): PaxRecords {
  const values = new Map<string, ByteString>();
  const sparsePairs: string[] = [];
  for (let start = 0; start < body.byteLength; ) {
    let at = start;
    let length = 0;
    for (; at < start + 10; at += 1) {
      const digit = (body[at] ?? 0) - zero;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    const end = start + length - 1;
    const keywordStart = at + 1;
    const keywordEnd = body.indexOf(equals, keywordStart);
    if (
      at === start ||
      body[at] !== space ||
      body[end] !== newline ||
      keywordEnd === -1 ||
      keywordEnd <= keywordStart ||
      keywordEnd >= end
    ) {
      throw invalidTar(place, "the extended header has a malformed record");
    }
    const keyword = body.toString("latin1", keywordStart, keywordEnd);
    const value = body.toString("latin1", keywordEnd + 1, end) as ByteString;
    const isText = keyword === "path" || keyword === "linkpath";
    if ((isText ? value : keyword).includes("\0")) {
      throw invalidTar(place, `the extended header has a NUL in ${isText ? keyword : "a keyword"}`);
    }
    addRecord(keyword, value, values, sparsePairs, place);
    start = end + 1;
  }
  return { values, sparsePairs };
}

function addRecord(
  keyword: string,
  value: ByteString,
  values: Map<string, ByteString>,
  sparsePairs: string[],
  place: TarPlace,
): void {
  const turn = keyword === "GNU.sparse.offset" ? 0 : keyword === "GNU.sparse.numbytes" ? 1 : undefined;
  if (turn === undefined) values.set(keyword, value);
  else if (sparsePairs.length % 2 === turn) sparsePairs.push(value);
  else throw invalidTar(place, "the sparse map's offsets and lengths are not in pairs");
}

/**
 * What global extended headers have set so far. Sizes and sparse maps are no business of theirs: those belong to one
 * file.
 */
export class PaxGlobals implements GlobalXattrs {
  readonly #records = new Map<string, ByteString>();
  #xattrs: Xattrs = noXattrs;
  #size = 0;

  get records(): ReadonlyMap<string, ByteString> {
    return this.#records;
  }

  get xattrs(): Xattrs {
    return this.#xattrs;
  }

  /** Takes the records of one more header over; an empty value takes a record away. Gives how large all are. */
  add(records: PaxRecords): number {
    for (const [keyword, value] of records.values) {
      if (keyword === "size" || keyword.startsWith("GNU.sparse.")) continue;
      const before = this.#records.get(keyword);
      if (before !== undefined) this.#size -= keyword.length + before.length;
      if (value === "") this.#records.delete(keyword);
      else {
        this.#records.set(keyword, value);
        this.#size += keyword.length + value.length;
      }
    }
    this.#xattrs = collectXattrs({ records: new Map(), xattrs: noXattrs }, this.#records);
    return this.#size;
  }
}

/** One record, with the length that counts itself. */
export function formatPaxRecord(keyword: string, value: string): string {
  const rest = keyword.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${keyword}=${value}\n`;
}

/** A decimal integer of a record. `undefined` when it is none or is beyond what a number holds exactly. */
export function parsePaxInteger(text: string): number | undefined {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
