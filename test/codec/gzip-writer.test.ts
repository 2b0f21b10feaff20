import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompress } from "../../src/codec/decompress.ts";
import { gzip } from "../../src/codec/gzip-writer.ts";
import { failingAfter, gather, inChunks, WatchedContent } from "./chunking.ts";

/** Text with repeats near and far, longer than several blocks. */
const text = Buffer.concat(
  Array.from({ length: 40 }, (_, at) => Buffer.from(`${at} ${"lorem ipsum dolor sit amet ".repeat(2000)}`)),
);

describe("gzip", () => {
  it("gives the same bytes for any number of jobs and any chunking", async () => {
    const expected = await gather(gzip(inChunks(text), { jobs: 1 }));
    for (const jobs of [1, 2, 5]) {
      for (const sizes of [[100_000], [512 * 1024], [1_000_001], [1, 70_000, 0]]) {
        const packed = await gather(gzip(inChunks(text, ...sizes), { jobs }));
        expect(packed.equals(expected), `${jobs} jobs, chunks of ${sizes}`).toBe(true);
      }
    }
  });

  it("gives content back at every level, to node, to this project and to GNU gzip", async () => {
    const plain = Buffer.concat([text, randomBytes(600_000)]);
    for (let level = 0; level <= 9; level += 1) {
      const packed = await gather(gzip(inChunks(plain, 99_999), { level, jobs: 3 }));
      expect(gunzipSync(packed).equals(plain), `level ${level}`).toBe(true);
      expect((await gather(decompress(inChunks(packed, 9999), "a layer"))).equals(plain)).toBe(true);
      expect(spawnSync("gzip", ["-t"], { input: packed }).status, `gzip -t, level ${level}`).toBe(0);
    }
  });

  it("packs nothing, and contents that end where a block does", async () => {
    for (const length of [0, 1, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 1024 * 1024]) {
      const plain = Buffer.alloc(length, "abc");
      expect(gunzipSync(await gather(gzip(inChunks(plain, 65_536)))).equals(plain), `${length} bytes`).toBe(
        true,
      );
    }
  });

  it("says nothing of time, name or system", async () => {
    const packed = await gather(gzip(inChunks(text)));
    expect(packed.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
  });

  it("looks back over the edges of blocks", async () => {
    const noise = randomBytes(24 * 1024);
    const plain = Buffer.concat([randomBytes(512 * 1024 - noise.byteLength), noise, noise]);
    const packed = await gather(gzip(inChunks(plain)));
    expect(packed.byteLength).toBeLessThan(plain.byteLength - noise.byteLength / 2);
  });

  it("gives any content back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.integer({ min: 0, max: 400 }),
        fc.array(fc.nat(200_000), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 9 }),
        async (piece, repeats, sizes, level) => {
          const plain = Buffer.concat(Array.from({ length: repeats }, () => piece));
          const packed = await gather(gzip(inChunks(plain, ...sizes), { level, jobs: 2 }));
          expect(gunzipSync(packed).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("pulls no more than its blocks hold ahead of a slow reader", async () => {
    const content = new WatchedContent(inChunks(Buffer.alloc(10_000_000), 100_000));
    const packing = gzip(content, { jobs: 2 });
    await packing.next();
    await packing.next();
    expect(content.pulled * 100_000).toBeLessThanOrEqual(3 * 512 * 1024 + 100_000);
    await packing.return(undefined);
    expect(content.state).toBe("released");
  });

  it("passes the content's errors on", async () => {
    const fault = new Error("the disk went away");
    await expect(gather(gzip(failingAfter(inChunks(text, 100_000), fault)))).rejects.toBe(fault);
  });

  it("refuses levels that there are none of", async () => {
    await expect(gather(gzip(inChunks(text), { level: 10 }))).rejects.toThrow(RangeError);
  });

  it("has a digest that is known for stored blocks, which no version of zlib changes", async () => {
    const packed = await gather(gzip(inChunks(Buffer.alloc(600_000, "x")), { level: 0, jobs: 2 }));
    expect(createHash("sha256").update(packed).digest("hex")).toBe(
      "74c98282dbeb0015b9ade908f8b38ad2c8e17e6d18be65cbcd1a61b9c7cf1461",
    );
  });
});
