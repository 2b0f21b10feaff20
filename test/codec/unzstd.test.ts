import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { constants, createZstdCompress, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ZstdCodec } from "zstd-codec";
import { decompress } from "../../src/codec/decompress.ts";
import { codeOf, cutAt, failingAfter, gather, inChunks, WatchedContent } from "./chunking.ts";

const unpack = (packed: Uint8Array, ...sizes: number[]) =>
  gather(decompress(inChunks(packed, ...sizes), "a layer"));

const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const alpha = Buffer.from("alpha ".repeat(40));
const beta = randomBytes(300);
const skippable = (length: number, kind = 0): Buffer => {
  const frame = Buffer.alloc(8 + length, 0x28);
  frame.writeUInt32LE(0x184d2a50 + kind, 0);
  frame.writeUInt32LE(length, 4);
  return frame;
};

describe("zstd", () => {
  it("is unpacked frame by frame, skippable ones skipped, wherever two chunks meet", async () => {
    const packed = Buffer.concat([
      skippable(0),
      zstdCompressSync(alpha),
      skippable(5, 15),
      zstdCompressSync(Buffer.alloc(0), withChecksum),
      zstdCompressSync(beta, withChecksum),
      skippable(40, 3),
      skippable(1, 4),
    ]);
    for (let cut = 0; cut <= packed.byteLength; cut += 1) {
      const plain = await gather(decompress(cutAt(packed, cut), "a layer"));
      expect(plain.equals(Buffer.concat([alpha, beta])), `cut at ${cut}`).toBe(true);
    }
    expect(await unpack(packed, 1)).toEqual(Buffer.concat([alpha, beta]));
  });

  it("is refused as truncated when it ends anywhere but after a frame", async () => {
    const frames = [zstdCompressSync(alpha, withChecksum), skippable(9), zstdCompressSync(beta)];
    const packed = Buffer.concat(frames);
    const ends = new Set(frames.map((_, at) => Buffer.concat(frames.slice(0, at + 1)).byteLength));
    for (let end = 4; end < packed.byteLength; end += 1) {
      const code = await codeOf(unpack(packed.subarray(0, end), 50));
      expect(code, `ends at ${end}`).toBe(ends.has(end) ? undefined : "LAYER_TRUNCATED");
    }
  });

  it("is refused as truncated after a whole block, where zlib sees nothing wrong", async () => {
    const packed = zstdCompressSync(randomBytes(400_000));
    const firstBlockEnds = 4 + 1 + 4 + 3 + 128 * 1024;
    expect(await codeOf(unpack(packed.subarray(0, firstBlockEnds), 10_000))).toBe("LAYER_TRUNCATED");
  });

  it("is refused when content or checksum is damaged", async () => {
    const packed = zstdCompressSync(Buffer.from("so many words ".repeat(500)), withChecksum);
    for (const at of [20, packed.byteLength - 1]) {
      const damagedBytes = Buffer.from(packed);
      damagedBytes.writeUInt8(damagedBytes.readUInt8(at) ^ 0x55, at);
      expect(await codeOf(unpack(damagedBytes, 7)), `byte ${at}`).toBe("LAYER_INVALID");
    }
  });

  it("is refused when something else follows a frame", async () => {
    const packed = Buffer.concat([zstdCompressSync(alpha), Buffer.from("garbage")]);
    expect(await codeOf(unpack(packed, 13))).toBe("LAYER_INVALID");
  });

  it("leaves the last word to the content when it is damaged", async () => {
    const wrongDigest = new Error("wrong digest");
    const packed = Buffer.concat([zstdCompressSync(alpha), Buffer.from("garbage"), randomBytes(5000)]);
    const content = failingAfter(inChunks(packed, 100), wrongDigest);
    await expect(gather(decompress(content, "a layer"))).rejects.toBe(wrongDigest);
  });

  it("releases the content when the reader leaves early", async () => {
    const packed = zstdCompressSync(randomBytes(2_000_000));
    const content = new WatchedContent(inChunks(packed, 10_000));
    for await (const _ of decompress(content, "a layer")) break;
    expect(content.state).toBe("released");
  });

  it.each([
    [27, undefined],
    [28, "LIMIT_EXCEEDED"],
  ])("with a window of 2^%i bytes is read as far as zstd's own limit goes", async (windowLog, code) => {
    const half = randomBytes(200_000);
    const stream = createZstdCompress({
      params: {
        [constants.ZSTD_c_windowLog]: windowLog,
        [constants.ZSTD_c_enableLongDistanceMatching]: 1,
      },
    });
    stream.write(half);
    stream.end(half);
    const packed = await gather(stream);
    expect(packed.byteLength).toBeLessThan(250_000);
    if (code === undefined)
      expect((await unpack(packed, 65_536)).equals(Buffer.concat([half, half]))).toBe(true);
    else expect(await codeOf(unpack(packed, 65_536))).toBe(code);
  });

  it("may have a frame of one repeated byte", async () => {
    const frame = Buffer.from([
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x20,
      0xc8,
      (200 << 3) | (1 << 1) | 1,
      (200 << 3) >> 8,
      0,
      0x61,
    ]);
    frame.writeUInt8(((200 << 3) | 3) & 0xff, 6);
    expect((await unpack(frame, 1)).toString()).toBe("a".repeat(200));
  });

  it("gives back what was packed into any number of frames, however chunked", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            plain: fc.oneof(
              fc.uint8Array({ maxLength: 2000 }),
              fc
                .record({ byte: fc.nat(255), length: fc.nat(300_000) })
                .map(({ byte, length }) => Buffer.alloc(length, byte)),
            ),
            level: fc.integer({ min: 1, max: 19 }),
            checksum: fc.nat(1),
            skip: fc.nat(20),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        fc.array(fc.nat(300), { minLength: 1, maxLength: 6 }),
        async (frames, sizes) => {
          const packed = frames.flatMap(({ plain, level, checksum, skip }) => [
            zstdCompressSync(plain, {
              params: {
                [constants.ZSTD_c_compressionLevel]: level,
                [constants.ZSTD_c_checksumFlag]: checksum,
              },
            }),
            skippable(skip),
          ]);
          expect(await unpack(Buffer.concat(packed), ...sizes)).toEqual(
            Buffer.concat(frames.map(({ plain }) => plain)),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("zstd packed by others", () => {
  const plain = Buffer.concat([Buffer.from("text ".repeat(20_000)), randomBytes(150_000)]);

  it("is unpacked when zstd-codec packed it", async () => {
    const run = promisify((done: (error: null, packed: Uint8Array) => void) =>
      ZstdCodec.run((zstd) => done(null, new zstd.Simple().compress(plain, 5))),
    );
    expect((await unpack(await run(), 1000)).equals(plain)).toBe(true);
  });

  const hasZstd = spawnSync("zstd", ["--version"]).status === 0;
  it.skipIf(!hasZstd)("is unpacked when the zstd command packed it, whatever the options", async () => {
    for (const options of [
      ["-1"],
      ["-19"],
      ["--fast=5"],
      ["--long=27"],
      ["--no-check"],
      ["-B1KB"],
      ["--format=zstd", "-T2"],
    ]) {
      const { stdout, status } = spawnSync("zstd", ["-c", ...options], {
        input: plain,
        maxBuffer: 10_000_000,
      });
      expect(status, options.join(" ")).toBe(0);
      expect(
        (await unpack(Buffer.concat([stdout, stdout]), 5000)).equals(Buffer.concat([plain, plain])),
      ).toBe(true);
    }
  });
});
