import { crc32, createInflateRaw } from "node:zlib";
import type { ChunkCursor } from "../io/chunk-cursor.ts";
import { type Feeder, outputChunkSize, runEngine } from "./engine.ts";
import { cutShort, damaged } from "./fault.ts";

/**
 * Unpacks gzip members one after another, each checked against its trailer. After the last one anything may follow:
 * NULs are padding, and what does not begin a member is left alone, as GNU gzip does. What follows NULs is never a
 * member.
 *
 * Members are taken apart here and not by node:zlib, which refuses garbage in some places, swallows it in others, and
 * drops the last output before it.
 *
 * @param input at the first member's first byte; afterwards at the first byte that no member has.
 * @see https://www.rfc-editor.org/rfc/rfc1952
 */
export async function* gunzip(input: ChunkCursor, subject: string): AsyncGenerator<Buffer> {
  do {
    await readMemberHeader(input, subject);
    let checksum = 0;
    let size = 0;
    const stream = createInflateRaw({ chunkSize: outputChunkSize });
    for await (const chunk of runEngine(
      stream,
      (feeder) => feedUntilEnd(input, feeder),
      (error) => faultOf(error, subject),
    )) {
      checksum = crc32(chunk, checksum);
      size += chunk.byteLength;
      yield chunk;
    }
    await readMemberTrailer(input, checksum, size, subject);
  } while (await memberFollows(input, subject));
}

async function feedUntilEnd(input: ChunkCursor, feeder: Feeder): Promise<void> {
  while (!feeder.stopped) {
    if (!(await input.pull())) {
      feeder.end();
      return;
    }
    input.readAhead();
    const chunk = input.peek();
    const used = await feeder.write(chunk);
    input.advance(used);
    if (used < chunk.byteLength) return;
  }
}

const hasHeaderChecksum = 0x02;
const hasExtra = 0x04;
const hasName = 0x08;
const hasComment = 0x10;
const reservedFlags = 0xe0;

async function readMemberHeader(input: ChunkCursor, subject: string): Promise<void> {
  let checksum = 0;
  const take = async (count: number): Promise<Buffer> => {
    if (!(await input.require(count))) throw cutShort(subject, "the gzip stream ends inside a header");
    const bytes = input.take(count);
    checksum = crc32(bytes, checksum);
    return bytes;
  };
  const skipText = async (): Promise<void> => {
    for (;;) {
      if (!(await input.pull())) throw cutShort(subject, "the gzip stream ends inside a header");
      const end = input.peek().indexOf(0);
      checksum = crc32(input.take(end === -1 ? input.available : end + 1), checksum);
      if (end !== -1) return;
    }
  };
  const fixed = await take(10);
  const flags = fixed.readUInt8(3);
  if (fixed[2] !== 8 || (flags & reservedFlags) !== 0) {
    throw damaged(subject, "a gzip header asks for something that no gzip reader knows");
  }
  if (flags & hasExtra) await take((await take(2)).readUInt16LE());
  if (flags & hasName) await skipText();
  if (flags & hasComment) await skipText();
  if (flags & hasHeaderChecksum) {
    const expected = checksum & 0xffff;
    if ((await take(2)).readUInt16LE() !== expected) throw damaged(subject, "a gzip header is damaged");
  }
}

async function readMemberTrailer(
  input: ChunkCursor,
  checksum: number,
  size: number,
  subject: string,
): Promise<void> {
  if (!(await input.require(8))) throw cutShort(subject, "the gzip stream ends inside its checksum");
  const trailer = input.take(8);
  if (trailer.readUInt32LE(0) !== checksum || trailer.readUInt32LE(4) !== size % 2 ** 32) {
    throw damaged(subject, "the gzip stream is damaged: its checksum does not match its content");
  }
}

async function memberFollows(input: ChunkCursor, subject: string): Promise<boolean> {
  const complete = await input.require(3);
  const [first, second, third] = input.peek();
  if (first !== 0x1f || (second ?? 0x8b) !== 0x8b || (third ?? 8) !== 8) return false;
  if (!complete) throw cutShort(subject, "the gzip stream ends inside a header");
  return true;
}

function faultOf(error: unknown, subject: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "Z_BUF_ERROR") return cutShort(subject, "the gzip stream ends too early");
  if (code === "Z_DATA_ERROR") return damaged(subject, "the gzip stream is damaged", error);
  return error;
}
