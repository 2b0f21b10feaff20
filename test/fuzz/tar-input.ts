import { archive, block, end, gnuMagic, member, padded, pax, v7Magic } from "../tar/craft.ts";
import { mutateBytes } from "./mutate.ts";
import type { Random } from "./random.ts";

const paths = [
  "a",
  "d/",
  "d/f",
  "./x",
  "/abs",
  "../up",
  "d/.wh.f",
  ".wh..wh..opq",
  "é",
  "\xff",
  "",
  "d//f/.",
];
const numbers = [
  ...[
    "0000644\0",
    "7777777",
    "       \0",
    "",
    "-1\0",
    "9\0",
    "0x10\0",
    "\x80\0\0\0\0\0\x01\0",
    "77777777777",
  ],
  ...[
    "\xff".repeat(12),
    "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
    "\xff\xff\xff\xff\xff\xff\xff\xfe",
    " 17 \0",
  ],
];
const values = [
  "",
  "0",
  "1",
  "512",
  "-1",
  "1.5",
  "-1.25",
  "9007199254740993",
  "1e3",
  "007",
  "x",
  "\0",
  "a/b",
  "\xff",
];
const keywords = [
  ...["path", "linkpath", "size", "mtime", "uid", "gid", "hdrcharset", "comment", "SCHILY.xattr.user.a"],
  ...[
    "SCHILY.xattr.",
    "LIBARCHIVE.xattr.user.b%20",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.name",
  ],
  ...[
    "GNU.sparse.size",
    "GNU.sparse.realsize",
    "GNU.sparse.map",
    "GNU.sparse.numblocks",
    "GNU.sparse.offset",
  ],
  ...["GNU.sparse.numbytes", "__proto__", "constructor"],
];
const offsets = { mode: 100, uid: 108, gid: 116, size: 124, mtime: 136, devmajor: 329, devminor: 337 };

/** An archive of all kinds of headers, mutated; most headers' checksums are right all the same. */
export function tarInput(random: Random): Buffer {
  const parts = random.several(1, 4, () => entryParts(random));
  let bytes: Buffer = Buffer.from(random.percent(85) ? archive(...parts) : Buffer.concat(parts));
  if (random.percent(60)) mutateHeader(random, bytes);
  if (random.percent(15)) bytes = mutateBytes(random, bytes);
  if (random.percent(10)) bytes = Buffer.from(bytes.subarray(0, random.below(bytes.byteLength + 1)));
  return bytes;
}

/** Changes a header block, and makes its checksum fit again in nine of ten cases. */
function mutateHeader(random: Random, bytes: Buffer): void {
  const start = 512 * random.below(Math.max(1, Math.floor(bytes.byteLength / 512)));
  if (start + 512 > bytes.byteLength) return;
  for (let times = 1 + random.below(3); times > 0; times -= 1) {
    switch (random.below(4)) {
      case 0:
        bytes[start + 156] = random.pick([..."01234567DgxXLKVMNS\0Az"]).charCodeAt(0);
        break;
      case 1:
        bytes[start + random.below(512)] = random.below(256);
        break;
      default:
        bytes.write(random.pick(numbers), start + random.pick(Object.values(offsets)), "latin1");
    }
  }
  if (random.percent(90)) fixChecksum(bytes, start);
}

function fixChecksum(bytes: Buffer, start: number): void {
  bytes.write("        ", start + 148, "latin1");
  let sum = 0;
  for (let at = start; at < start + 512; at += 1) sum += bytes[at] ?? 0;
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, start + 148, "latin1");
}

function entryParts(random: Random): Buffer {
  const name = random.pick(paths);
  const content = random.bytes(random.pick([0, 10, 700]));
  const linkname = random.pick(paths);
  switch (random.below(14)) {
    case 0:
      return member({ name: `${name}/`, typeflag: "5" });
    case 1:
      return member({ name, typeflag: random.pick(["1", "2"]), linkname });
    case 2:
      return member({ name, typeflag: random.pick(["3", "4", "6"]), devmajor: random.pick(numbers) });
    case 3:
      return Buffer.concat([
        pax(records(random), random.pick(["x", "x", "X", "g"])),
        member({ name }, content),
      ]);
    case 4:
      return Buffer.concat([
        member({ name: "././@LongLink", typeflag: random.pick(["L", "K"]), magic: gnuMagic }, `${name}\0`),
        member({ name, magic: gnuMagic }, content),
      ]);
    case 5:
      return member({ name, magic: v7Magic, typeflag: random.pick(["\0", "0", "5"]) }, content);
    case 6:
      return member({ name, magic: gnuMagic, prefix: random.pick(["", "p", "\0".repeat(8)]) }, content);
    case 7:
      return member({ name, prefix: random.pick(paths), at: { 508: "tar\0" } }, content);
    case 8:
      return oldSparse(random, name);
    case 9:
      return sparseText(random, name);
    case 10:
      return Buffer.concat([pax([...records(random), ...sparsePairs(random)]), member({ name }, content)]);
    case 11:
      return member({ name, typeflag: random.pick(["V", "M", "N", "D", "7", "A"]) }, content);
    case 12:
      return random.percent(50)
        ? end.subarray(0, 512)
        : member({ name, size: random.pick(numbers) }, content);
    default:
      return member({ name, uid: random.pick(numbers), mtime: random.pick(numbers) }, content);
  }
}

function records(random: Random): [string, string][] {
  return random.several(1, 5, () => [
    random.pick(keywords),
    random.percent(80) ? random.pick(values) : random.bytes(30),
  ]);
}

function sparsePairs(random: Random): [string, string][] {
  const pairs = random.several(0, 3, (at): [string, string][] => [
    ["GNU.sparse.offset", String(at * 20)],
    ["GNU.sparse.numbytes", random.pick(["0", "5", "10", "-1"])],
  ]);
  return pairs.flat();
}

/** Offsets and lengths as a sparse header has them, often in order. */
function oldSparse(random: Random, name: string): Buffer {
  const part = (at: number): string => octal(random.percent(90) ? at * 512 : random.below(9)) + octal(512);
  const count = 1 + random.below(4);
  const isExtended = random.percent(30);
  const more = isExtended ? 21 : 0;
  const map = Array.from({ length: count }, (_, at) => part(2 * at)).join("");
  const size = (count + (random.percent(70) ? more : 0)) * 512;
  const header = block({
    name,
    typeflag: "S",
    magic: gnuMagic,
    size,
    at: {
      386: map,
      482: isExtended ? "\x01" : "\0",
      483: random.percent(90) ? octal(200 * 512) : random.pick(numbers),
    },
  });
  const extension = Buffer.alloc(isExtended ? 512 : 0);
  if (isExtended)
    extension.write(Array.from({ length: more }, (_, at) => part(20 + 2 * at)).join(""), "latin1");
  return Buffer.concat([header, extension, Buffer.alloc(size, 0x61)]);
}

/** The form 1.0, its map in front of the content. */
function sparseText(random: Random, name: string): Buffer {
  const parts = random.several(0, 3, (at) => `${at * 100}\n${random.pick(["0", "10", "10", "x", "-5"])}\n`);
  const count = random.percent(80) ? String(parts.length) : random.pick(values);
  const content = Buffer.concat([
    padded(`${count}\n${parts.join("")}`),
    Buffer.alloc(10 * parts.length, 0x61),
  ]);
  const version: [string, string][] = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", random.percent(80) ? "400" : random.pick(values)],
  ];
  return Buffer.concat([pax(version), member({ name }, content)]);
}

function octal(value: number): string {
  return `${value.toString(8).padStart(11, "0")}\0`;
}
