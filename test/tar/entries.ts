import fc from "fast-check";
import type { ByteString } from "../../src/tar/byte-string.ts";
import type { TarHeader } from "../../src/tar/entry.ts";
import { parseTimestamp } from "../../src/tar/timestamp.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../../src/tar/writer.ts";
import { noXattrs } from "../../src/tar/xattrs.ts";
import { bytes } from "./craft.ts";

/** A file's header, with the given changes. */
export function header(changes: Partial<TarHeader> & { path?: ByteString } = {}): TarHeader {
  return {
    path: bytes("file"),
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: "0",
    linkname: bytes(""),
    devmajor: 0,
    devminor: 0,
    xattrs: noXattrs,
    ...changes,
  };
}

/** An entry to be written. */
export interface Entry {
  readonly header: TarHeader;
  readonly content: Uint8Array;
}

/** An archive of the entries. */
export function write(entries: readonly Entry[]): Buffer {
  return Buffer.concat([
    ...entries.flatMap((each) => [
      encodeHeader(each.header),
      each.content,
      bodyPadding(each.content.byteLength),
    ]),
    endOfArchive,
  ]);
}

const byte = (from: number): fc.Arbitrary<string> =>
  fc.integer({ min: from, max: 255 }).map((code) => String.fromCharCode(code));
const nameBytes = fc.string({
  unit: byte(1).filter((character) => character !== "/"),
  minLength: 1,
  maxLength: 140,
});

/** A path of any bytes but NUL, long ones included, without a slash at its end. */
const anyPath = fc.array(nameBytes, { minLength: 1, maxLength: 4 }).map((parts) => bytes(parts.join("/")));

const anyTimestamp = fc
  .tuple(fc.constantFrom("", "-"), fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.stringMatching(/^\d{0,12}$/))
  .map(([sign, seconds, fraction]) => parseTimestamp(`${sign}${seconds}.${fraction}`) ?? "0");

const anyXattrs = fc
  .array(
    fc.tuple(
      fc.string({ unit: byte(1).filter((character) => character !== "="), minLength: 1, maxLength: 20 }),
      fc.string({ unit: byte(0), maxLength: 60 }),
    ),
    { maxLength: 3 },
  )
  .map((pairs) => new Map(pairs.map(([name, value]) => [bytes(name), bytes(value)])));

const smallOrLarge = (small: number, large: number): fc.Arbitrary<number> =>
  fc.oneof(fc.nat(small), fc.integer({ min: 0, max: large }));

/** Any entry that an archive can hold, as reading gives it back. */
export const anyEntry: fc.Arbitrary<Entry> = fc
  .record({
    type: fc.constantFrom("file", "directory", "symlink", "hardlink", "character", "block", "fifo"),
    path: anyPath,
    mode: fc.nat(0o7777),
    uid: smallOrLarge(65_535, 2 ** 32 - 1),
    gid: smallOrLarge(65_535, 2 ** 32 - 1),
    mtime: fc.oneof(fc.nat(2 ** 31).map(String), anyTimestamp),
    linkname: anyPath,
    devmajor: fc.nat(0o7777777),
    devminor: fc.nat(0o7777777),
    xattrs: fc.oneof(fc.constant(noXattrs), anyXattrs),
    content: fc.uint8Array({ maxLength: 1500 }),
  } as const)
  .map(({ content, ...fields }) => {
    const { type, path } = fields;
    const isFile = type === "file";
    const isLink = type === "symlink" || type === "hardlink";
    const isDevice = type === "character" || type === "block";
    return {
      header: header({
        ...fields,
        path: type === "directory" ? bytes(`${path}/`) : path,
        size: isFile ? content.byteLength : 0,
        linkname: isLink ? fields.linkname : bytes(""),
        devmajor: isDevice ? fields.devmajor : 0,
        devminor: isDevice ? fields.devminor : 0,
      }),
      content: isFile ? content : new Uint8Array(),
    };
  });
