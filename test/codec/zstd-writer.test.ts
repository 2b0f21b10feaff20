import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { missingTools } from "../../scripts/house/tools.ts";
import { decompress } from "../../src/codec/decompress.ts";
import { ZstdFrameScanner } from "../../src/codec/zstd-frame.ts";
import { zstd } from "../../src/codec/zstd-writer.ts";
import { digestOf } from "../../src/model/digest.ts";
import { failingAfter, gather, inChunks, WatchedContent } from "./chunking.ts";

/** Text with repeats near and far, longer than several blocks. */
const text = Buffer.concat(
  Array.from({ length: 40 }, (_, at) => Buffer.from(`${at} ${"lorem ipsum dolor sit amet ".repeat(2000)}`)),
);

describe("zstd", () => {
  it("gives the same bytes for any chunking", async () => {
    for (const plain of [text, text.subarray(0, 100), Buffer.alloc(0)]) {
      const expected = await gather(zstd(inChunks(plain)));
      for (const sizes of [[100_000], [512 * 1024], [1_000_001], [1, 70_000, 0]]) {
        const packed = await gather(zstd(inChunks(plain, ...sizes)));
        expect(packed.equals(expected), `${plain.byteLength} bytes in chunks of ${sizes}`).toBe(true);
      }
    }
  });

  it("gives one whole frame, with a checksum", async () => {
    const packed = await gather(zstd(inChunks(text, 99_999)));
    const scanner = new ZstdFrameScanner();
    expect(scanner.scan(packed)).toBe(packed.byteLength);
    expect(scanner.complete).toBe(true);
    expect(packed.readUInt8(4) & 0x04).toBe(0x04);
  });

  it("gives content back at every level, to node, to this project and to zstd itself", async () => {
    const plain = Buffer.concat([text, randomBytes(600_000)]);
    const digests = new Set<string>();
    for (const level of [1, 3, 9, 19]) {
      const packed = await gather(zstd(inChunks(plain, 99_999), { level }));
      digests.add(digestOf(packed));
      expect(zstdDecompressSync(packed).equals(plain), `level ${level}`).toBe(true);
      expect((await gather(decompress(inChunks(packed, 9999), "a layer"))).equals(plain)).toBe(true);
      if (missingTools("zstd").length === 0) {
        expect(spawnSync("zstd", ["--test", "--quiet"], { input: packed }).status, `level ${level}`).toBe(0);
      }
    }
    expect(digests.size).toBe(4);
  });

  it("gives any content back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.array(fc.nat(700), { minLength: 1 }),
        async (bytes, sizes) => {
          const plain = Buffer.from(bytes);
          const packed = await gather(zstd(inChunks(plain, ...sizes.map((size) => size + 1))));
          expect(zstdDecompressSync(packed).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("passes on why the content failed", async () => {
    const failure = new Error("the source is gone");
    await expect(gather(zstd(failingAfter(inChunks(text, 100_000), failure)))).rejects.toBe(failure);
  });

  it("releases the content when it is left early", async () => {
    const content = new WatchedContent(inChunks(randomBytes(8_000_000), 65_536));
    for await (const _ of zstd(content)) break;
    expect(content.state).toBe("released");
  });
});
