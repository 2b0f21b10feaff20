import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompress } from "../../src/codec/decompress.ts";
import { codeOf, cutAt, failingAfter, gather, inChunks, WatchedContent } from "./chunking.ts";

const unpack = (packed: Uint8Array, ...sizes: number[]) =>
  gather(decompress(inChunks(packed, ...sizes), "a layer"));

const alpha = Buffer.from("alpha ".repeat(40));
const beta = Buffer.from("beta ".repeat(60));
const twoMembers = Buffer.concat([gzipSync(alpha), gzipSync(beta)]);

describe("gzip", () => {
  it("is unpacked member by member wherever two chunks meet", async () => {
    const packed = Buffer.concat([gzipSync(alpha), gzipSync(Buffer.alloc(0)), gzipSync(beta)]);
    for (let cut = 0; cut <= packed.byteLength; cut += 1) {
      const plain = await gather(decompress(cutAt(packed, cut), "a layer"));
      expect(plain.equals(Buffer.concat([alpha, beta])), `cut at ${cut}`).toBe(true);
    }
  });

  it("is unpacked from chunks of one byte, and of none", async () => {
    expect(await unpack(twoMembers, 1)).toEqual(Buffer.concat([alpha, beta]));
    expect(await unpack(twoMembers, 0, 1, 0, 7)).toEqual(Buffer.concat([alpha, beta]));
  });

  const tails: [name: string, tail: Buffer][] = [
    ["NULs", Buffer.alloc(700)],
    ["text", Buffer.from("not gzip at all")],
    ["what begins like a member but for the method", Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 0])],
    ["NULs and then a member", Buffer.concat([Buffer.alloc(3), gzipSync("hidden")])],
    ["garbage and then a member", Buffer.concat([Buffer.from("P"), gzipSync("hidden")])],
  ];
  for (const [name, tail] of tails) {
    it(`ends before ${name}, wherever two chunks meet, and the content is read to its end`, async () => {
      const packed = Buffer.concat([twoMembers, tail]);
      for (let cut = twoMembers.byteLength - 10; cut <= packed.byteLength; cut += 1) {
        const content = new WatchedContent(cutAt(packed, cut));
        const plain = await gather(decompress(content, "a layer"));
        expect(plain.equals(Buffer.concat([alpha, beta])), `cut at ${cut}`).toBe(true);
        expect(content.state).toBe("ended");
      }
      expect(await unpack(packed, 1)).toEqual(Buffer.concat([alpha, beta]));
    });
  }

  it("keeps a large member's last output when garbage follows in the same chunk", async () => {
    const plain = randomBytes(3_000_000);
    const packed = Buffer.concat([gzipSync(plain, { level: 1 }), Buffer.from("garbage")]);
    expect((await unpack(packed)).equals(plain)).toBe(true);
  });

  it("is refused as truncated when it ends anywhere but after a member", async () => {
    const first = gzipSync(alpha).byteLength;
    for (let end = 2; end < twoMembers.byteLength; end += 1) {
      const code = await codeOf(unpack(twoMembers.subarray(0, end), 50));
      expect(code, `ends at ${end}`).toBe(end === first ? undefined : "LAYER_TRUNCATED");
    }
  });

  it("is refused when content, checksum or length is damaged", async () => {
    const packed = gzipSync(randomBytes(5000));
    for (const at of [10, 500, packed.byteLength - 8, packed.byteLength - 1]) {
      const damagedBytes = Buffer.from(packed);
      damagedBytes.writeUInt8(damagedBytes.readUInt8(at) ^ 0x06, at);
      expect(await codeOf(unpack(damagedBytes, 700)), `byte ${at}`).toBe("LAYER_INVALID");
    }
  });

  it("names the subject and keeps zlib's error as the cause", async () => {
    const packed = Buffer.from(gzipSync(alpha));
    packed.writeUInt8(0x07, 10);
    await expect(
      gather(decompress(inChunks(packed), "builder layer 3 of registry/app")),
    ).rejects.toMatchObject({
      message: expect.stringContaining("builder layer 3 of registry/app"),
      cause: { code: "Z_DATA_ERROR" },
    });
  });

  describe("with a header that has all optional fields", () => {
    const memberWith = (headerChecksumFlaw: number): Buffer => {
      const header = Buffer.concat([
        Buffer.from([0x1f, 0x8b, 8, 0x02 | 0x04 | 0x08 | 0x10, 1, 2, 3, 4, 0, 3]),
        Buffer.from([5, 0]),
        Buffer.from("extra"),
        Buffer.from("layer.tar\0"),
        Buffer.from("a comment\0"),
      ]);
      const end = Buffer.alloc(8);
      end.writeUInt32LE(crc32(alpha), 0);
      end.writeUInt32LE(alpha.byteLength, 4);
      const checksum = Buffer.alloc(2);
      checksum.writeUInt16LE((crc32(header) & 0xffff) ^ headerChecksumFlaw);
      return Buffer.concat([header, checksum, deflateRawSync(alpha), end]);
    };

    it("is unpacked from chunks of any size", async () => {
      for (const size of [1, 2, 11, 1000]) expect(await unpack(memberWith(0), size)).toEqual(alpha);
    });

    it("is refused when the header's checksum is wrong", async () => {
      expect(await codeOf(unpack(memberWith(1), 3))).toBe("LAYER_INVALID");
    });
  });

  it("is refused when its header has flags that nobody defined", async () => {
    const packed = Buffer.from(gzipSync(alpha));
    packed.writeUInt8(0x20, 3);
    expect(await codeOf(unpack(packed))).toBe("LAYER_INVALID");
  });

  it("gives back what any packer put into any number of members, however chunked", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ plain: fc.uint8Array({ maxLength: 2000 }), level: fc.integer({ min: 0, max: 9 }) }),
          {
            minLength: 1,
            maxLength: 5,
          },
        ),
        fc.array(fc.nat(300), { minLength: 1, maxLength: 6 }),
        async (members, sizes) => {
          const packed = Buffer.concat(members.map(({ plain, level }) => gzipSync(plain, { level })));
          expect(await unpack(packed, ...sizes)).toEqual(Buffer.concat(members.map(({ plain }) => plain)));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what is not packed", () => {
  it("passes as it is, down to nothing at all", async () => {
    for (const plain of ["", "a", "abc", "plain bytes of any kind"]) {
      expect((await unpack(Buffer.from(plain), 1)).toString()).toBe(plain);
    }
  });

  it("is not taken for gzip because of its first two bytes", async () => {
    const plain = Buffer.from([0x1f, 0x8b, 0x41, 0x42]);
    expect(await unpack(plain, 1)).toEqual(plain);
  });
});

describe("the content that is read", () => {
  const large = gzipSync(Buffer.alloc(60_000_000, "some text that packs well, "), { level: 1 });

  it("is released when the reader leaves early", async () => {
    for (const packed of [large, randomBytes(100_000)]) {
      const content = new WatchedContent(inChunks(packed, 1000));
      for await (const chunk of decompress(content, "a layer")) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      expect(content.state).toBe("released");
    }
  });

  it("waits for a reader that is slow", async () => {
    const content = new WatchedContent(inChunks(large, 1000));
    const reading = decompress(content, "a layer");
    await reading.next();
    await delay(200);
    const pulled = content.pulled;
    expect(pulled * 1000).toBeLessThan(large.byteLength / 4);
    await delay(100);
    expect(content.pulled).toBe(pulled);
    await reading.return(undefined);
    expect(content.state).toBe("released");
  });

  it("has its own errors passed on as they are", async () => {
    const fault = new Error("the line went dead");
    for (const packed of [large.subarray(0, 20_000), twoMembers, randomBytes(100)]) {
      await expect(gather(decompress(failingAfter(inChunks(packed, 999), fault), "a layer"))).rejects.toBe(
        fault,
      );
    }
  });

  it("has the last word when the packed bytes are damaged", async () => {
    const wrongDigest = new Error("wrong digest");
    const packed = Buffer.from(twoMembers);
    packed.fill(0xff, 20, 40);
    const content = failingAfter(inChunks(packed, 10), wrongDigest);
    await expect(gather(decompress(content, "a layer"))).rejects.toBe(wrongDigest);
  });

  it("may come from two places at the same time", async () => {
    const plain = [randomBytes(2_000_000), randomBytes(2_000_000)];
    const results = await Promise.all(plain.map((bytes) => unpack(gzipSync(bytes), 10_000)));
    expect(results.map((result, at) => plain[at]?.equals(result))).toEqual([true, true]);
  });
});
