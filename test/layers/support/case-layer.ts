import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { bodyPadding, encodeHeader, endOfArchive } from "../../../src/tar/writer.ts";
import { type CraftedFields, gnuMagic, member, pax, v7Magic } from "../../tar/craft.ts";
import { isEntryLine, linesOf, parseEntryLine } from "./case-entry.ts";
import { wordsOf } from "./case-words.ts";

/**
 * The tar that the lines of a case make: entries, and lines that put other bytes there.
 *
 * - `pax KEY=VALUE…`, `global KEY=VALUE…`: an extended header, for the next entry or for all that follow.
 * - `longname NAME`, `longlink NAME`: GNU's long names, for the next entry.
 * - `raw FIELD=VALUE…`: a header block with these fields (see {@link CraftedFields}; `at.386=…` sets bytes at an
 *   offset), followed by `content=…` if it is given.
 * - `bytes …`, `zeros N`: just that.
 *
 * @param ended whether the end mark is written.
 */
export function tarOfLines(text: string, ended = true): Buffer {
  return Buffer.concat([...linesOf(text).flatMap(bytesOfLine), ...(ended ? [endOfArchive] : [])]);
}

function bytesOfLine(line: string): Buffer[] {
  if (isEntryLine(line)) {
    const { header, content } = parseEntryLine(line);
    return [encodeHeader(header), Buffer.from(content, "latin1"), bodyPadding(content.length)];
  }
  const [kind, ...words] = wordsOf(line).map(({ bytes }) => bytes);
  const [first = ""] = words;
  switch (kind) {
    case "pax":
      return [pax(words.map(pair))];
    case "global":
      return [pax(words.map(pair), "g")];
    case "longname":
    case "longlink": {
      const typeflag = kind === "longname" ? "L" : "K";
      return [member({ name: "././@LongLink", typeflag, magic: gnuMagic }, `${first}\0`)];
    }
    case "raw": {
      const { content = "", ...fields } = Object.fromEntries(words.map(pair));
      return [member(craftedFields(fields), content)];
    }
    case "bytes":
      return [Buffer.from(first, "latin1")];
    case "zeros":
      return [Buffer.alloc(Number(first))];
    default:
      throw new Error(`not a line of a layer: ${line}`);
  }
}

function pair(word: string): readonly [string, string] {
  const equals = word.indexOf("=");
  if (equals < 0) throw new Error(`not KEY=VALUE: ${word}`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

const magics: Readonly<Record<string, string>> = { gnu: gnuMagic, v7: v7Magic };
const textFields = ["name", "linkname", "prefix", "typeflag"] as const;
const numberFields = { mode: 7, uid: 7, gid: 7, size: 11, mtime: 11 } as const;

/** Octal digits are padded and ended as tar wants them; other values are put as they are. */
function craftedFields(fields: Readonly<Record<string, string>>): CraftedFields {
  const crafted: CraftedFields = {};
  const at: Record<number, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    const text = textFields.find((field) => field === name);
    if (text !== undefined) crafted[text] = value;
    else if (name === "magic") crafted.magic = magics[value] ?? value;
    else if (name.startsWith("at.")) at[Number(name.slice(3))] = value;
    else if (name in numberFields) {
      const field = name as keyof typeof numberFields;
      crafted[field] = /^[0-7]+$/.test(value) ? `${value.padStart(numberFields[field], "0")}\0` : value;
    } else throw new Error(`no such field: ${name}`);
  }
  return { ...crafted, at };
}

/**
 * Packs a tar in parts, one a line:
 *
 * - `gzip [N]`, `zstd [N]`, `plain [N]`: the next N bytes of the tar, or all that is left, as one member or frame.
 * - `zstd-long`: all that is left, with a window of 2^27 bytes.
 * - `skippable`: a zstd frame that readers skip.
 * - `bytes …`, `zeros N`: just that.
 * - `cut N`: the last N bytes so far are taken away again.
 */
export function packed(tar: Buffer, lines: readonly string[]): Buffer {
  let left = tar;
  const take = (count: string | undefined): Buffer => {
    const taken = left.subarray(0, count === undefined ? undefined : Number(count));
    left = left.subarray(taken.byteLength);
    return taken;
  };
  let bytes = Buffer.alloc(0);
  for (const line of lines) {
    const [kind, argument] = wordsOf(line).map((word) => word.bytes);
    if (kind === "cut") bytes = bytes.subarray(0, bytes.byteLength - Number(argument));
    else bytes = Buffer.concat([bytes, part(kind ?? "", argument, take)]);
  }
  return bytes;
}

function part(
  kind: string,
  argument: string | undefined,
  take: (count: string | undefined) => Buffer,
): Buffer {
  switch (kind) {
    case "gzip":
      return gzipSync(take(argument));
    case "zstd":
      return zstdCompressSync(take(argument));
    case "zstd-long":
      return zstdCompressSync(take(undefined), {
        params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 },
      });
    case "plain":
      return take(argument);
    case "skippable":
      return Buffer.from("\x50\x2a\x4d\x18\x04\x00\x00\x00skip", "latin1");
    case "bytes":
      return Buffer.from(argument ?? "", "latin1");
    case "zeros":
      return Buffer.alloc(Number(argument));
    default:
      throw new Error(`no such packing: ${kind}`);
  }
}
