import type { ByteString } from "../../src/tar/byte-string.ts";
import type { TarHeader } from "../../src/tar/entry.ts";
import { readTar } from "../../src/tar/reader.ts";
import { gather, inChunks } from "../codec/chunking.ts";

/** Fields of a header block, as bytes in their places; text is latin1. */
export interface CraftedFields {
  name?: string;
  mode?: string;
  uid?: string;
  gid?: string;
  size?: number | string;
  mtime?: string;
  typeflag?: string;
  linkname?: string;
  /** Magic and version, 8 bytes. Default ustar's. */
  magic?: string;
  devmajor?: string;
  devminor?: string;
  prefix?: string;
  /** Further bytes by where they go. */
  at?: Record<number, string>;
  /** How the checksum is made. Default unsigned. */
  checksum?: "unsigned" | "signed" | "wrong";
}

export const gnuMagic = "ustar  \0";
export const v7Magic = "\0".repeat(8);

/** A header block with whatever it is told to hold, and a fitting checksum. */
export function block(fields: CraftedFields = {}): Buffer {
  const bytes = Buffer.alloc(512);
  const put = (text: string, start: number): void => void bytes.write(text, start, "latin1");
  const { size = 0 } = fields;
  put(fields.name ?? "f", 0);
  put(fields.mode ?? "0000644\0", 100);
  put(fields.uid ?? "0000000\0", 108);
  put(fields.gid ?? "0000000\0", 116);
  put(typeof size === "string" ? size : `${size.toString(8).padStart(11, "0")}\0`, 124);
  put(fields.mtime ?? "00000000000\0", 136);
  put(fields.typeflag ?? "0", 156);
  put(fields.linkname ?? "", 157);
  put(fields.magic ?? "ustar\x0000", 257);
  put(fields.devmajor ?? "", 329);
  put(fields.devminor ?? "", 337);
  put(fields.prefix ?? "", 345);
  for (const [start, text] of Object.entries(fields.at ?? {})) put(text, Number(start));
  put("        ", 148);
  let sum = 0;
  for (let at = 0; at < 512; at += 1) {
    sum += fields.checksum === "signed" ? bytes.readInt8(at) : bytes.readUInt8(at);
  }
  if (fields.checksum === "wrong") sum += 1;
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

/** A content with its padding. */
export function padded(content: string | Uint8Array): Buffer {
  const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.byteLength % 512)) % 512)]);
}

/** A member with its content. */
export function member(fields: CraftedFields, content: string | Uint8Array = ""): Buffer {
  return Buffer.concat([block({ size: content.length, ...fields }), padded(content)]);
}

/** A PAX record; text is latin1. */
function record(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** An extended header of the given records. */
export function pax(records: readonly (readonly [string, string])[], typeflag = "x"): Buffer {
  return member(
    { name: "PaxHeader", typeflag },
    records.map(([keyword, value]) => record(keyword, value)).join(""),
  );
}

export const end = Buffer.alloc(1024);

/** An archive of the parts, with end mark. */
export function archive(...parts: Uint8Array[]): Buffer {
  return Buffer.concat([...parts, end]);
}

/** An entry that was read, its content as latin1. */
export interface ReadEntry {
  header: TarHeader;
  offset: number;
  content: string;
}

/** All that is in an archive. */
export async function readAll(bytes: Uint8Array, ...chunkSizes: number[]): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for await (const { header, offset, body } of membersOf(bytes, ...chunkSizes)) {
    entries.push({ header, offset, content: (await gather(body())).toString("latin1") });
  }
  return entries;
}

async function* membersOf(bytes: Uint8Array, ...chunkSizes: number[]) {
  for await (const each of readTar(inChunks(bytes, ...chunkSizes), "a layer")) {
    yield { header: each.header, offset: each.offset, body: () => each.body() };
  }
}

/** The first entry of an archive. */
export async function readOne(...parts: Uint8Array[]): Promise<ReadEntry> {
  const [entry] = await readAll(archive(...parts));
  if (entry === undefined) throw new Error("the archive is empty");
  return entry;
}

/** Latin1 text as the bytes it stands for. */
export function bytes(text: string): ByteString {
  return text as ByteString;
}
