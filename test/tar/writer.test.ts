import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyPadding, encodeHeader, endOfArchive } from "../../src/tar/writer.ts";
import { bytes, readAll } from "./craft.ts";
import { anyEntry, header, write } from "./entries.ts";

describe("reading what was written", () => {
  it("gives the entries back under any chunking", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEntry, { maxLength: 5 }),
        fc.array(fc.nat(1500), { minLength: 1, maxLength: 5 }),
        async (entries, sizes) => {
          const read = await readAll(write(entries), ...sizes);
          expect(read.map(({ header: readHeader, content }) => ({ header: readHeader, content }))).toEqual(
            entries.map((each) => ({
              header: each.header,
              content: Buffer.from(each.content).toString("latin1"),
            })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("gives each entry's place in the archive", async () => {
    const entries = [header({ path: bytes("a".repeat(300)) }), header({ path: bytes("b") })].map((each) => ({
      header: each,
      content: new Uint8Array(),
    }));
    const tar = write(entries);
    const [first, second] = await readAll(tar);
    expect(first?.offset).toBe(0);
    expect((await readAll(tar.subarray(second?.offset))).map((each) => each.header)).toEqual([
      entries[1]?.header,
    ]);
  });
});

describe("a header", () => {
  it("is one ustar block where everything fits", () => {
    for (const fitting of [
      header(),
      header({ path: bytes("n".repeat(100)) }),
      header({ path: bytes(`${"p".repeat(155)}/${"n".repeat(100)}`) }),
      header({ path: bytes("caf\xe9\xff") }),
      header({ uid: 0o7777777, gid: 0o7777777, size: 0o77777777777, mtime: String(0o77777777777) }),
      header({ type: "symlink", linkname: bytes("l".repeat(100)) }),
    ]) {
      expect(encodeHeader(fitting).byteLength).toBe(512);
    }
  });

  it("has a PAX header before it for what does not fit, and for that alone", () => {
    const recordsOf = (changes: Parameters<typeof header>[0]): string => {
      const encoded = encodeHeader(header(changes));
      const size = Number.parseInt(encoded.toString("latin1", 124, 135), 8);
      expect(encoded.toString("latin1", 156, 157)).toBe("x");
      return encoded.toString("latin1", 512, 512 + size);
    };
    expect(recordsOf({ path: bytes("n".repeat(101)) })).toBe(`111 path=${"n".repeat(101)}\n`);
    expect(recordsOf({ type: "directory", path: bytes("n".repeat(100)) })).toBe(
      `111 path=${"n".repeat(100)}/\n`,
    );
    expect(recordsOf({ uid: 2_097_152 })).toBe("15 uid=2097152\n");
    expect(recordsOf({ gid: 2_097_152 })).toBe("15 gid=2097152\n");
    expect(recordsOf({ size: 8 * 2 ** 30 })).toBe("19 size=8589934592\n");
    expect(recordsOf({ mtime: "-1" })).toBe("12 mtime=-1\n");
    expect(recordsOf({ mtime: "8589934592" })).toBe("20 mtime=8589934592\n");
    expect(recordsOf({ mtime: "7.25" })).toBe("14 mtime=7.25\n");
    expect(recordsOf({ type: "symlink", linkname: bytes("l".repeat(101)) })).toBe(
      `115 linkpath=${"l".repeat(101)}\n`,
    );
    expect(
      recordsOf({
        xattrs: new Map([
          [bytes("user.b"), bytes("\0\n")],
          [bytes("user.a"), bytes("")],
        ]),
      }),
    ).toBe("24 SCHILY.xattr.user.a=\n26 SCHILY.xattr.user.b=\0\n\n");
  });

  it("has its records sorted, and names that are not UTF-8 marked as bytes", () => {
    const encoded = encodeHeader(
      header({
        path: bytes(`${"n".repeat(120)}\xff`),
        uid: 3_000_000_000,
        mtime: "1.5",
        xattrs: new Map([[bytes("user.x"), bytes("1")]]),
      }),
    );
    const keywords = [...encoded.toString("latin1", 512).matchAll(/\d+ ([\w.]+)=/g)].map((match) => match[1]);
    expect(keywords).toEqual(["SCHILY.xattr.user.x", "hdrcharset", "mtime", "path", "uid"]);
    expect(encodeHeader(header({ path: bytes(`${"n".repeat(120)}\xc3\xa9`) })).includes("hdrcharset")).toBe(
      false,
    );
  });

  it("of a directory ends its path in one slash", async () => {
    const entries = ["d", "d/"].map((path) => ({
      header: header({ type: "directory", path: bytes(path) }),
      content: new Uint8Array(),
    }));
    expect((await readAll(write(entries))).map((each) => each.header.path)).toEqual(["d/", "d/"]);
  });

  it("says nothing of users' names, of the writer or of the clock", () => {
    const encoded = encodeHeader(header({ path: bytes("x".repeat(200)), mtime: "5" }));
    expect(createHash("sha256").update(encoded).digest("hex")).toBe(
      "b1e3ed444c376a6bc5806db3168df5ec5cd53c6903ed0925a76adbe01be989e1",
    );
  });

  it("is refused for what an archive cannot hold", () => {
    for (const changes of [
      { path: bytes("") },
      { path: bytes("a\0b") },
      { path: bytes("file/") },
      { type: "symlink", linkname: bytes("a\0b") },
      { mode: 0o10000 },
      { uid: -1 },
      { gid: 2 ** 32 },
      { uid: 1.5 },
      { size: -1 },
      { size: Number.MAX_SAFE_INTEGER + 1 },
      { type: "directory", size: 5 },
      { mtime: "01" },
      { mtime: "" },
      { mtime: "1e5" },
      { devmajor: 2_097_152 },
      { xattrs: new Map([[bytes("user.a=b"), bytes("")]]) },
      { xattrs: new Map([[bytes(""), bytes("")]]) },
      { xattrs: new Map([[bytes("user.\0"), bytes("")]]) },
    ] as Parameters<typeof header>[0][]) {
      expect(() => encodeHeader(header(changes)), JSON.stringify(changes)).toThrow(
        expect.objectContaining({ code: "LAYER_INVALID" }),
      );
    }
  });
});

describe("padding", () => {
  it("fills up the last block", () => {
    for (const [size, padding] of [
      [0, 0],
      [1, 511],
      [511, 1],
      [512, 0],
      [513, 511],
      [8 * 2 ** 30 + 1, 511],
    ] as const) {
      expect(bodyPadding(size)).toEqual(Buffer.alloc(padding));
    }
    expect(endOfArchive).toEqual(Buffer.alloc(1024));
  });
});
