import { describe, expect, it } from "vitest";
import { readTar } from "../../src/tar/reader.ts";
import { codeOf, cutAt, failingAfter, gather, inChunks, WatchedContent } from "../codec/chunking.ts";
import {
  archive,
  block,
  bytes,
  end,
  gnuMagic,
  member,
  padded,
  pax,
  readAll,
  readOne,
  v7Magic,
} from "./craft.ts";

const names = async (tar: Uint8Array) => (await readAll(tar)).map(({ header }) => header.path);

describe("a ustar header", () => {
  it("gives all its fields", async () => {
    const { header, content } = await readOne(
      member(
        {
          name: "file",
          prefix: "a/long",
          mode: "0104755\0",
          uid: "0001750\0",
          gid: "0000144 ",
          mtime: "14371573400\0",
        },
        "content",
      ),
    );
    expect(header).toEqual({
      path: "a/long/file",
      type: "file",
      mode: 0o4755,
      uid: 1000,
      gid: 100,
      size: 7,
      mtime: String(0o14371573400),
      linkname: "",
      devmajor: 0,
      devminor: 0,
      xattrs: new Map(),
    });
    expect(content).toBe("content");
  });

  it("gives each kind of entry", async () => {
    const kinds = {
      "0": "file",
      "\0": "file",
      "7": "file",
      "1": "hardlink",
      "2": "symlink",
      "3": "character",
      "4": "block",
      "5": "directory",
      "6": "fifo",
    };
    for (const [typeflag, type] of Object.entries(kinds)) {
      const { header } = await readOne(
        block({ typeflag, linkname: "target", devmajor: "0000010\0", devminor: "0000003\0" }),
      );
      expect(header.type).toBe(type);
      expect(header.linkname).toBe(type.endsWith("link") ? "target" : "");
      expect([header.devmajor, header.devminor]).toEqual(
        type === "character" || type === "block" ? [8, 3] : [0, 0],
      );
    }
  });

  it("may fill its fields without a NUL", async () => {
    const { header } = await readOne(
      block({
        name: "n".repeat(100),
        prefix: "p".repeat(155),
        typeflag: "2",
        linkname: "l".repeat(100),
        uid: "07777777",
      }),
    );
    expect(header.path).toBe(`${"p".repeat(155)}/${"n".repeat(100)}`);
    expect(header.linkname).toBe("l".repeat(100));
    expect(header.uid).toBe(0o7777777);
  });

  it("may pad numbers with spaces, and leave them empty", async () => {
    const { header } = await readOne(
      block({ mode: "   755 \0", uid: "\0".repeat(8), gid: "  12  \0\0", mtime: "        7 \0\0" }),
    );
    expect(header).toMatchObject({ mode: 0o755, uid: 0, gid: 0o12, mtime: "7" });
  });

  it("keeps names that are not UTF-8", async () => {
    const { header } = await readOne(block({ name: "caf\xe9\xff", typeflag: "2", linkname: "\x80\xfe" }));
    expect(header.path).toBe(bytes("caf\xe9\xff"));
    expect(header.linkname).toBe(bytes("\x80\xfe"));
  });

  it("may have a checksum over signed bytes", async () => {
    const tar = archive(block({ name: "\xff\xff", checksum: "signed" }));
    expect(await names(tar)).toEqual(["\xff\xff"]);
  });

  it("with a wrong checksum is refused, naming subject, offset and the entry before", async () => {
    const tar = archive(member({ name: "good" }, "x"), block({ checksum: "wrong" }));
    await expect(readAll(tar)).rejects.toMatchObject({
      code: "LAYER_INVALID",
      message: expect.stringMatching(/a layer.*1024.*checksum.*good/),
    });
  });

  it("with a number that is none is refused", async () => {
    for (const fields of [
      { size: "12x45678901\0" },
      { uid: "-000001\0" },
      { mode: "0000899\0" },
      { mtime: "yesterday" },
    ]) {
      expect(await codeOf(readAll(archive(block(fields)))), JSON.stringify(fields)).toBe("LAYER_INVALID");
    }
  });
});

describe("numbers in base 256", () => {
  const base256 = (value: bigint, width: number): string => {
    const hex = BigInt.asUintN(width * 8, value)
      .toString(16)
      .padStart(width * 2, "0");
    const field = Buffer.from(hex, "hex");
    field.writeUInt8(field.readUInt8(0) | 0x80, 0);
    return field.toString("latin1");
  };

  it("are read as ids beyond 2097151", async () => {
    const { header } = await readOne(
      block({ uid: base256(3_000_000_000n, 8), gid: base256(4_294_967_294n, 8) }),
    );
    expect(header).toMatchObject({ uid: 3_000_000_000, gid: 4_294_967_294 });
  });

  it("are read as sizes beyond 8 GiB without holding them", async () => {
    const tar = block({ name: "huge", size: base256(9n << 30n, 12) });
    expect(await codeOf(readAll(tar))).toBe("LAYER_TRUNCATED");
    for await (const { header } of readTar(inChunks(tar), "a layer")) {
      expect(header.size).toBe(9 * 2 ** 30);
      break;
    }
  });

  it("are read as times, negative ones too", async () => {
    for (const time of [-1n, -62_135_596_800n, 253_402_300_800n, 2n ** 62n]) {
      expect((await readOne(block({ mtime: base256(time, 12) }))).header.mtime).toBe(String(time));
    }
  });

  it("are refused as negative sizes, as sizes no number holds, and as ids of more than 32 bits", async () => {
    for (const fields of [
      { size: base256(-1n, 12) },
      { size: base256(2n ** 53n, 12) },
      { size: base256(2n ** 80n, 12) },
      { uid: base256(2n ** 32n, 8) },
      { mtime: base256(2n ** 63n, 12) },
    ]) {
      expect(await codeOf(readAll(archive(block(fields))))).toBe("LAYER_INVALID");
    }
  });

  it("are read as chown reads a negative id", async () => {
    expect((await readOne(block({ uid: base256(-2n, 8) }))).header.uid).toBe(4_294_967_294);
  });
});

describe("old headers", () => {
  it("of v7 make a directory of a name with a slash, and have no prefix", async () => {
    for (const typeflag of ["\0", "0"]) {
      const { header } = await readOne(block({ name: "dir/", magic: v7Magic, typeflag, prefix: "junk" }));
      expect(header).toMatchObject({ path: "dir/", type: "directory" });
    }
    const { header } = await readOne(block({ name: "file", magic: v7Magic, typeflag: "\0" }));
    expect(header.type).toBe("file");
  });

  it("of star have a shorter prefix", async () => {
    const at = { 345: "p".repeat(131), 476: "00000000001 ", 488: "00000000002 ", 508: "tar\0" };
    expect((await readOne(block({ name: "n", at }))).header.path).toBe(`${"p".repeat(131)}/n`);
  });

  it("of GNU have times where others have a prefix", async () => {
    const at = { 345: "14371573400\0", 357: "14371573400\0" };
    expect((await readOne(block({ name: "n", magic: gnuMagic, at }))).header.path).toBe("n");
  });

  it("of GNU, as Go wrote them before 1.8, have a prefix after all", async () => {
    expect((await readOne(block({ name: "n", magic: gnuMagic, prefix: "usr/share/doc" }))).header.path).toBe(
      "usr/share/doc/n",
    );
  });
});

describe("GNU's long names", () => {
  const long = "d/".repeat(300);
  it("apply to the next entry alone, in any order, and win over PAX", async () => {
    const tar = archive(
      pax([["path", "from pax"]]),
      member({ name: "././@LongLink", typeflag: "K", magic: gnuMagic }, `${long}target\0`),
      member({ name: "././@LongLink", typeflag: "L", magic: gnuMagic }, `${long}link\0`),
      block({ name: "short", typeflag: "2", linkname: "short", magic: gnuMagic }),
      block({ name: "next", typeflag: "2", linkname: "next", magic: gnuMagic }),
    );
    expect((await readAll(tar)).map(({ header, offset }) => [header.path, header.linkname, offset])).toEqual([
      [`${long}link`, `${long}target`, 0],
      ["next", "next", 1024 + 512 + 1024 + 512 + 1024 + 512],
    ]);
  });

  it("end at a NUL, and say nothing when they are empty", async () => {
    const { header } = await readOne(member({ typeflag: "L" }, "name\0junk"), block({ name: "x" }));
    expect(header.path).toBe("name");
    expect((await readOne(member({ typeflag: "L" }, "\0"), block({ name: "x" }))).header.path).toBe("x");
  });

  it("are refused beyond 1 MiB, before they are read", async () => {
    for (const size of [1024 * 1024 + 1, "77777777777\0"]) {
      expect(await codeOf(readAll(block({ typeflag: "L", size })))).toBe("LIMIT_EXCEEDED");
    }
  });
});

describe("PAX records", () => {
  it("win over the header's fields", async () => {
    const { header, content } = await readOne(
      pax([
        ["path", "p\xc3\xa4th"],
        ["uid", "3000000000"],
        ["gid", "2097152"],
        ["mtime", "1700000000.123456789"],
        ["size", "5"],
        ["comment", "not for us"],
      ]),
      block({ name: "ustar", uid: "0000001\0", size: 0, mtime: "00000000001\0" }),
      padded("hello"),
    );
    expect(header).toMatchObject({
      path: "p\xc3\xa4th",
      uid: 3_000_000_000,
      gid: 2_097_152,
      mtime: "1700000000.123456789",
      size: 5,
    });
    expect(content).toBe("hello");
  });

  it("of times are kept to the last digit, in one form", async () => {
    const times = {
      "-1.5": "-1.5",
      "0001.500": "1.5",
      "7.": "7",
      "-0.0": "0",
      "-0.25": "-0.25",
      "1.0000000000000000000001": "1.0000000000000000000001",
      "99999999999999999999": "99999999999999999999",
    };
    for (const [written, read] of Object.entries(times)) {
      expect((await readOne(pax([["mtime", written]]), block())).header.mtime).toBe(read);
    }
  });

  it("apply to the next entry alone", async () => {
    const tar = archive(
      pax([
        ["path", "one"],
        ["size", "3"],
      ]),
      member({ name: "x", size: 0 }, "abc"),
      member({ name: "two" }, "de"),
    );
    expect((await readAll(tar)).map(({ header, content }) => [header.path, content])).toEqual([
      ["one", "abc"],
      ["two", "de"],
    ]);
  });

  it("of the last extended header count when there are several", async () => {
    const { header } = await readOne(
      pax([
        ["path", "a"],
        ["uid", "7"],
      ]),
      pax([["path", "b"]]),
      block({ name: "x" }),
    );
    expect(header).toMatchObject({ path: "b", uid: 0 });
  });

  it("of a global header last until they are overridden or taken away", async () => {
    const tar = archive(
      pax(
        [
          ["uid", "7"],
          ["mtime", "5.5"],
          ["size", "99"],
        ],
        "g",
      ),
      block({ name: "a" }),
      pax([["uid", "8"]]),
      block({ name: "b" }),
      pax([["uid", ""]]),
      block({ name: "c", uid: "0000003\0" }),
      pax([["mtime", ""]], "g"),
      block({ name: "d", mtime: "00000000011\0" }),
    );
    expect(
      (await readAll(tar)).map(({ header }) => [header.path, header.uid, header.mtime, header.size]),
    ).toEqual([
      ["a", 7, "5.5", 0],
      ["b", 8, "5.5", 0],
      ["c", 3, "5.5", 0],
      ["d", 7, "9", 0],
    ]);
  });

  it("may come between an entry and its own extended header", async () => {
    const { header } = await readOne(pax([["path", "mine"]]), pax([["uid", "4"]], "g"), block({ name: "x" }));
    expect(header).toMatchObject({ path: "mine", uid: 4 });
  });

  it("hold names as bytes, whatever hdrcharset says", async () => {
    for (const charset of [[], [["hdrcharset", "BINARY"]]] as [string, string][][]) {
      const { header } = await readOne(
        pax([...charset, ["path", "\xff\xfe=\n"], ["linkpath", "\x80"]]),
        block({ typeflag: "2" }),
      );
      expect(header.path).toBe(bytes("\xff\xfe=\n"));
      expect(header.linkname).toBe(bytes("\x80"));
    }
  });

  it("hold extended attributes byte for byte", async () => {
    const capability = "\x01\0\0\x02\0 \0\0\0\0\0\0\n=\xff\0\0\0\0\0";
    const { header } = await readOne(
      pax([
        ["SCHILY.xattr.security.capability", capability],
        ["SCHILY.xattr.user.empty", ""],
        ["LIBARCHIVE.xattr.user.caf%C3%A9%3D", Buffer.from("v\0").toString("base64")],
        ["LIBARCHIVE.xattr.security.capability", "AAAA"],
        ["LIBARCHIVE.xattr.user.broken%zz", "AAAA"],
        ["LIBARCHIVE.xattr.user.broken", "no base64!"],
      ]),
      block(),
    );
    expect(new Map([...header.xattrs].sort())).toEqual(
      new Map([
        ["security.capability", capability],
        ["user.caf\xc3\xa9=", "v\0"],
        ["user.empty", ""],
      ]),
    );
  });

  it("of attributes are taken away by an empty one only where a global header set them", async () => {
    const tar = archive(
      pax(
        [
          ["SCHILY.xattr.user.a", "1"],
          ["SCHILY.xattr.user.b", "2"],
        ],
        "g",
      ),
      pax([
        ["SCHILY.xattr.user.a", ""],
        ["SCHILY.xattr.user.c", ""],
      ]),
      block(),
      block(),
    );
    expect((await readAll(tar)).map(({ header }) => [...header.xattrs])).toEqual([
      [
        ["user.b", "2"],
        ["user.c", ""],
      ],
      [
        ["user.a", "1"],
        ["user.b", "2"],
      ],
    ]);
  });

  it("that are malformed are refused", async () => {
    const malformed = [
      "x",
      "5",
      "999 path=a\n",
      "9 path=abc",
      "9 path=ab\n9 path",
      "6 pat\n",
      "-9 path=a\n",
      "010000000000 path=a\n",
      "4 =\n",
      "11 path=a\0b\n",
      "9 a\0b=cd\n\n",
    ];
    for (const text of malformed) {
      expect(
        await codeOf(readAll(archive(member({ typeflag: "x" }, text), block()))),
        JSON.stringify(text),
      ).toBe("LAYER_INVALID");
    }
    for (const records of [
      [["size", "-1"]],
      [["size", "1e3"]],
      [["size", "99999999999999999999"]],
      [["uid", "x"]],
      [["gid", "4294967296"]],
      [["mtime", "now"]],
      [["mtime", "1.-5"]],
    ] as [string, string][][]) {
      expect(await codeOf(readAll(archive(pax(records), block()))), JSON.stringify(records)).toBe(
        "LAYER_INVALID",
      );
    }
  });

  it("are refused beyond 1 MiB in one header, and beyond 64 KiB in all global ones", async () => {
    expect(await codeOf(readAll(block({ typeflag: "x", size: 1024 * 1024 + 1 })))).toBe("LIMIT_EXCEEDED");
    const globals = Array.from({ length: 3 }, (_, at) => pax([[`k${at}`, "v".repeat(30_000)]], "g"));
    expect(await codeOf(readAll(archive(...globals)))).toBe("LIMIT_EXCEEDED");
    const same = Array.from({ length: 5 }, () => pax([["k", "v".repeat(30_000)]], "g"));
    expect(await names(archive(...same, block({ name: "fine" })))).toEqual(["fine"]);
  });

  it("without an entry are passed over at the end mark, and a truncation without one", async () => {
    expect(await names(archive(pax([["path", "x"]])))).toEqual([]);
    expect(await codeOf(readAll(pax([["path", "x"]])))).toBe("LAYER_TRUNCATED");
  });
});

describe("headers that other readers stumble over", () => {
  it("of directories, links and devices have no content, whatever their size says", async () => {
    for (const typeflag of ["1", "2", "3", "4", "5", "6"]) {
      for (const size of [512, 10 ** 9]) {
        const tar = archive(
          block({ name: "odd", typeflag, size, linkname: "t" }),
          member({ name: "next" }, "content"),
        );
        const entries = await readAll(tar);
        expect(entries.map(({ header, content }) => [header.path, header.size, content])).toEqual([
          ["odd", 0, ""],
          ["next", 7, "content"],
        ]);
      }
    }
  });

  it("of unknown kinds are files, whose content is passed over in step", async () => {
    const tar = archive(member({ name: "odd", typeflag: "Q" }, "abc"), member({ name: "next" }, "content"));
    expect((await readAll(tar)).map(({ header, content }) => [header.path, header.type, content])).toEqual([
      ["odd", "file", "abc"],
      ["next", "file", "content"],
    ]);
  });

  it("of GNU's listed directories are directories without content", async () => {
    const tar = archive(
      member({ name: "dir/", typeflag: "D", magic: gnuMagic }, "Yfile\0\0"),
      block({ name: "next" }),
    );
    expect(
      (await readAll(tar)).map(({ header, content }) => [header.path, header.type, header.size, content]),
    ).toEqual([
      ["dir/", "directory", 0, ""],
      ["next", "file", 0, ""],
    ]);
  });

  it("of volume labels are no entries, of continued files are refused", async () => {
    expect(
      await names(
        archive(block({ name: "my backup", typeflag: "V", magic: gnuMagic }), block({ name: "a" })),
      ),
    ).toEqual(["a"]);
    expect(await codeOf(readAll(archive(block({ typeflag: "M", magic: gnuMagic }))))).toBe("LAYER_INVALID");
  });
});

describe("an archive's end", () => {
  const whole = Buffer.concat([member({ name: "a" }, "abc"), member({ name: "b" }, "defg")]);

  it("may lack its mark, half of it, or the last padding", async () => {
    for (const tar of [
      whole,
      Buffer.concat([whole, Buffer.alloc(512)]),
      whole.subarray(0, 1536 + 4),
      whole.subarray(0, 1536 + 100),
    ]) {
      expect((await readAll(tar, 700)).map(({ content }) => content)).toEqual(["abc", "defg"]);
    }
  });

  it("may be all there is", async () => {
    expect(await readAll(Buffer.alloc(0))).toEqual([]);
    expect(await readAll(end)).toEqual([]);
    expect(await readAll(Buffer.alloc(512))).toEqual([]);
  });

  it("may be followed by anything, which is read but not looked at", async () => {
    const content = new WatchedContent(
      inChunks(Buffer.concat([whole, end, member({ name: "hidden" }, "x"), Buffer.alloc(99, 7)]), 100),
    );
    const found: string[] = [];
    for await (const { header } of readTar(content, "a layer")) found.push(header.path);
    expect(found).toEqual(["a", "b"]);
    expect(content.state).toBe("ended");
  });

  it("is not a lone zero block with an entry after it", async () => {
    await expect(readAll(archive(whole, Buffer.alloc(512), member({ name: "c" })))).rejects.toMatchObject({
      code: "LAYER_INVALID",
      message: expect.stringMatching(/zero block.*"b"/),
    });
  });

  it("in the middle of anything is a truncation that names the entry", async () => {
    await expect(readAll(whole.subarray(0, 1536 + 2))).rejects.toMatchObject({
      code: "LAYER_TRUNCATED",
      message: expect.stringMatching(/a layer.*"b".*2 of 4/),
    });
    await expect(readAll(whole.subarray(0, 1024 + 100))).rejects.toMatchObject({
      code: "LAYER_TRUNCATED",
      message: expect.stringMatching(/a layer.*1024.*"a"/),
    });
  });

  it("is found however the content is passed over", async () => {
    for await (const { header } of readTar(inChunks(whole, 64), "a layer"))
      expect(["a", "b"]).toContain(header.path);
  });
});

describe("what is not a tar archive", () => {
  it("is refused as such, with a hint", async () => {
    for (const text of ["{}", "<!DOCTYPE html>".repeat(100)]) {
      await expect(readAll(Buffer.from(text))).rejects.toMatchObject({
        code: "LAYER_INVALID",
        message: expect.stringContaining("a layer: is not a tar archive"),
        hint: expect.any(String),
      });
    }
  });
});

describe("reading member by member", () => {
  const tar = archive(
    member({ name: "a" }, "a".repeat(3000)),
    member({ name: "b" }, "b".repeat(3000)),
    member({ name: "c" }, "c"),
  );

  it("gives the same wherever two chunks meet", async () => {
    const expected = await readAll(tar);
    for (let cut = 0; cut <= tar.byteLength; cut += 1) {
      const found: unknown[] = [];
      for await (const each of readTar(cutAt(tar, cut), "a layer")) {
        found.push({
          header: each.header,
          offset: each.offset,
          content: (await gather(each.body())).toString(),
        });
      }
      expect(found, `cut at ${cut}`).toEqual(expected);
    }
  });

  it("passes over bodies that are read in part or not at all", async () => {
    const seen: string[] = [];
    for await (const each of readTar(inChunks(tar, 1000), "a layer")) {
      if (each.header.path === "a") {
        for await (const chunk of each.body()) {
          seen.push(Buffer.from(chunk).toString());
          break;
        }
      }
      if (each.header.path === "c") seen.push((await gather(each.body())).toString());
    }
    expect(seen).toEqual(["a".repeat(488), "c"]);
  });

  it("gives parts of the content's own chunks as bodies", async () => {
    for await (const each of readTar(inChunks(tar), "a layer")) {
      for await (const chunk of each.body()) expect(chunk.buffer).toBe(tar.buffer);
    }
  });

  it("pulls nothing before it is asked to", async () => {
    const content = new WatchedContent(inChunks(tar, 512));
    const reading = readTar(content, "a layer");
    await reading.next();
    expect(content.pulled).toBe(1);
    await reading.next();
    expect(content.pulled).toBe(8);
    await reading.return(undefined);
    expect(content.state).toBe("released");
  });

  it("gives each body once, and not after the next member", async () => {
    const kept: (() => unknown)[] = [];
    const bodies: AsyncIterator<Uint8Array>[] = [];
    for await (const each of readTar(inChunks(tar, 1000), "a layer")) {
      for (const late of kept) expect(late).toThrow(/body of/);
      for (const late of bodies.splice(0))
        await expect(late.next()).rejects.toMatchObject({ code: "INTERNAL" });
      const body = each.body()[Symbol.asyncIterator]();
      await body.next();
      expect(() => each.body()).toThrow(/twice/);
      kept.push(() => each.body());
      if (each.header.size > 1000) bodies.push(body);
    }
    expect(kept).toHaveLength(3);
  });

  it("has an empty body for what is no file", async () => {
    expect((await readOne(block({ typeflag: "5", size: 0 }))).content).toBe("");
  });

  it("passes the content's own errors on, which have the last word when the archive is broken, too", async () => {
    const fault = new Error("wrong digest");
    const broken = Buffer.concat([tar.subarray(0, 3584), Buffer.alloc(512, 1), tar]);
    for (const bad of [tar, tar.subarray(0, 2000), broken, Buffer.alloc(9000, "junk")]) {
      const reading = async () => {
        for await (const _ of readTar(failingAfter(inChunks(bad, 300), fault), "a layer"));
      };
      await expect(reading()).rejects.toBe(fault);
    }
  });

  it("is refused or complete when the archive is cut anywhere, never stuck", async () => {
    const cutTar = archive(
      pax([
        ["path", "a"],
        ["size", "700"],
      ]),
      block({ size: 0 }),
      padded("x".repeat(700)),
      member({ name: "d/", typeflag: "5" }),
      member({ typeflag: "L" }, "long\0"),
      member({}, "y"),
    );
    const codes = new Map<number, string | undefined>();
    for (let cut = 0; cut < cutTar.byteLength; cut += 1)
      codes.set(cut, await codeOf(readAll(cutTar.subarray(0, cut), 333)));
    const clean = [...codes].filter(([, code]) => code === undefined).map(([cut]) => cut);
    const isBoundary = (cut: number) =>
      cut === 0 || (cut >= 1536 + 700 && cut <= 2560) || cut === 3072 || cut >= 4608 + 1;
    expect(clean.every(isBoundary), String(clean.filter((cut) => !isBoundary(cut)))).toBe(true);
    expect(new Set([...codes.values()])).toEqual(new Set([undefined, "LAYER_INVALID", "LAYER_TRUNCATED"]));
  });
});
