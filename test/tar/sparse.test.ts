import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTar } from "../../src/tar/reader.ts";
import { codeOf, gather, inChunks } from "../codec/chunking.ts";
import { archive, block, gnuMagic, member, padded, pax, readAll } from "./craft.ts";

const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;

/** An old GNU sparse file: four parts in the header, the rest in blocks of 21. */
function oldGnu(parts: readonly (readonly [number, number])[], realSize: number, content: string): Buffer {
  const pair = ([offset, length]: readonly [number, number]): string => octal(offset) + octal(length);
  const more = parts.slice(4);
  const header = block({
    name: "sparse",
    typeflag: "S",
    magic: gnuMagic,
    size: content.length,
    at: {
      386: parts.slice(0, 4).map(pair).join(""),
      482: more.length > 0 ? "\x01" : "\0",
      483: octal(realSize),
    },
  });
  const blocks: Buffer[] = [];
  for (let at = 0; at < more.length; at += 21) {
    const extension = Buffer.alloc(512);
    extension.write(
      more
        .slice(at, at + 21)
        .map(pair)
        .join(""),
      0,
      "latin1",
    );
    extension[504] = at + 21 < more.length ? 1 : 0;
    blocks.push(extension);
  }
  return Buffer.concat([header, ...blocks, padded(content)]);
}

const pax00 = (parts: readonly (readonly [number, number])[], size: number, content: string): Buffer =>
  Buffer.concat([
    pax([
      ["GNU.sparse.size", String(size)],
      ["GNU.sparse.numblocks", String(parts.length)],
      ...parts.flatMap(([offset, length]): [string, string][] => [
        ["GNU.sparse.offset", String(offset)],
        ["GNU.sparse.numbytes", String(length)],
      ]),
    ]),
    member({ name: "sparse" }, content),
  ]);

const pax01 = (parts: readonly (readonly [number, number])[], size: number, content: string): Buffer =>
  Buffer.concat([
    pax([
      ["GNU.sparse.size", String(size)],
      ["GNU.sparse.numblocks", String(parts.length)],
      ["GNU.sparse.map", parts.flat().join(",")],
      ["GNU.sparse.name", "sparse"],
    ]),
    member({ name: "GNUSparseFile.0/sparse" }, content),
  ]);

const pax10 = (parts: readonly (readonly [number, number])[], size: number, content: string): Buffer =>
  Buffer.concat([
    pax([
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.name", "sparse"],
      ["GNU.sparse.realsize", String(size)],
    ]),
    member(
      { name: "GNUSparseFile.0/sparse" },
      Buffer.concat([
        padded(`${[parts.length, ...parts.flat()].join("\n")}\n`),
        Buffer.from(content, "latin1"),
      ]),
    ),
  ]);

const formats = { "old GNU": oldGnu, "PAX 0.0": pax00, "PAX 0.1": pax01, "PAX 1.0": pax10 };

describe.each(Object.entries(formats))("a sparse file in the form %s", (_, make) => {
  it("is expanded to its full size", async () => {
    const tar = archive(
      make(
        [
          [3, 4],
          [7, 2],
          [1000, 5],
        ],
        2000,
        "abcdefghijk",
      ),
      member({ name: "next" }, "in step"),
    );
    const [sparse, next] = await readAll(tar, 700);
    expect(sparse?.header).toMatchObject({ path: "sparse", type: "file", size: 2000 });
    expect(sparse?.content).toBe(`\0\0\0abcdef${"\0".repeat(991)}ghijk${"\0".repeat(995)}`);
    expect(next?.content).toBe("in step");
  });

  it("is expanded when it has many parts", async () => {
    const parts = Array.from({ length: 100 }, (__, at): [number, number] => [at * 10, 3]);
    const content = parts.map((__, at) => String(at).padStart(3, "0")).join("");
    const [sparse] = await readAll(archive(make([...parts, [1000, 0]], 1000, content)), 100);
    expect(sparse?.content).toBe(
      parts.map((__, at) => `${String(at).padStart(3, "0")}${"\0".repeat(7)}`).join(""),
    );
  });

  it("is expanded when it is one hole, and passed over in no time when that is huge", async () => {
    expect((await readAll(archive(make([[5000, 0]], 5000, "")))).at(0)?.content).toBe("\0".repeat(5000));
    const huge = 2 ** 32;
    for await (const { header } of readTar(inChunks(archive(make([[huge, 0]], huge, ""))), "a layer")) {
      expect(header.size).toBe(huge);
    }
  });

  it("is passed over in step when it is not read, or in part", async () => {
    const parts = Array.from({ length: 30 }, (__, at): [number, number] => [at * 100, 50]);
    const tar = archive(make(parts, 3000, "x".repeat(1500)), member({ name: "next" }, "in step"));
    for (const bytesRead of [0, 1, 60, 500]) {
      let next = "";
      for await (const each of readTar(inChunks(tar, 333), "a layer")) {
        if (each.header.path === "next") next = (await gather(each.body())).toString();
        else if (bytesRead > 0) {
          let seen = 0;
          for await (const chunk of each.body()) {
            seen += chunk.byteLength;
            if (seen >= bytesRead) break;
          }
        }
      }
      expect(next).toBe("in step");
    }
  });

  it("is refused when its map overlaps, is out of order, reaches too far or fits no bytes", async () => {
    const hostile: [parts: [number, number][], size: number, content: string][] = [
      [
        [
          [0, 5],
          [4, 5],
        ],
        100,
        "a".repeat(10),
      ],
      [
        [
          [50, 5],
          [10, 5],
        ],
        100,
        "a".repeat(10),
      ],
      [[[98, 5]], 100, "abcde"],
      [[[0, 5]], 3, "abcde"],
      [[[0, 5]], 100, "abcdefgh"],
      [[[0, 5]], 100, "abc"],
      [
        [
          [0, 8 * 2 ** 30 - 1],
          [0, 8 * 2 ** 30 - 1],
        ],
        100,
        "abc",
      ],
    ];
    for (const [parts, size, content] of hostile) {
      expect(await codeOf(readAll(archive(make(parts, size, content)))), JSON.stringify(parts)).toBe(
        "LAYER_INVALID",
      );
    }
  });

  it("is refused as truncated when map or content is cut", async () => {
    const parts = Array.from({ length: 90 }, (__, at): [number, number] => [at * 10, 2]);
    const whole = make(parts, 1000, "x".repeat(180));
    for (let cut = 1; cut < whole.byteLength - 332; cut += 13) {
      expect(await codeOf(readAll(whole.subarray(0, cut), 99)), `cut at ${cut}`).toMatch(
        /LAYER_(TRUNCATED|INVALID)/,
      );
    }
  });
});

describe("a sparse map", () => {
  it("is refused with numbers that are negative, too large or none", async () => {
    for (const map of ["-1,5", "0,-5", "0,x", "0", "0,1,2", "99999999999999999999,1", "0x1,2"]) {
      const tar = archive(
        pax([
          ["GNU.sparse.size", "100"],
          ["GNU.sparse.map", map],
        ]),
        member({}, "abcde"),
      );
      expect(await codeOf(readAll(tar)), map).toBe("LAYER_INVALID");
    }
    for (const text of ["-1\n", "x\n", "1\n0\n-5\n"]) {
      const records: [string, string][] = [
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.realsize", "9"],
      ];
      expect(await codeOf(readAll(archive(pax(records), member({}, padded(text))))), text).toBe(
        "LAYER_INVALID",
      );
    }
  });

  it("is refused when its records are not in pairs, its count is wrong or its version unknown", async () => {
    const refused: [string, string][][] = [
      [
        ["GNU.sparse.offset", "0"],
        ["GNU.sparse.offset", "1"],
      ],
      [["GNU.sparse.numbytes", "0"]],
      [["GNU.sparse.offset", "0"]],
      [
        ["GNU.sparse.numblocks", "2"],
        ["GNU.sparse.map", "0,5"],
      ],
      [
        ["GNU.sparse.major", "2"],
        ["GNU.sparse.minor", "0"],
      ],
    ];
    for (const records of refused) {
      const tar = archive(pax([["GNU.sparse.size", "100"], ...records]), member({}, "abcde"));
      expect(await codeOf(readAll(tar)), JSON.stringify(records)).toBe("LAYER_INVALID");
    }
  });

  it("is refused where there is no file, and in headers without room for it", async () => {
    const records: [string, string][] = [
      ["GNU.sparse.size", "5"],
      ["GNU.sparse.map", "0,5"],
    ];
    expect(await codeOf(readAll(archive(pax(records), block({ typeflag: "5" }))))).toBe("LAYER_INVALID");
    expect(await codeOf(readAll(archive(block({ typeflag: "S" }))))).toBe("LAYER_INVALID");
  });

  it("is not taken from a global header", async () => {
    const tar = archive(
      pax(
        [
          ["GNU.sparse.size", "50"],
          ["GNU.sparse.map", "0,5"],
        ],
        "g",
      ),
      member({}, "abcde"),
    );
    expect((await readAll(tar)).at(0)?.content).toBe("abcde");
  });
});

const hasGnuTar = spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout?.includes("GNU") ?? false;

describe.skipIf(!hasGnuTar)("a sparse file that GNU tar wrote", () => {
  const options = [
    ["--format=gnu"],
    ["--format=posix", "--sparse-version=0.0"],
    ["--format=posix", "--sparse-version=0.1"],
    ["--format=posix", "--sparse-version=1.0"],
  ];

  it.each(options)("is expanded (%s %s)", async (...format) => {
    const directory = mkdtempSync(join(tmpdir(), "sparse-"));
    try {
      const path = join(directory, "holes");
      const file = await open(path, "w");
      for (let at = 0; at < 60; at += 1)
        await file.write(Buffer.alloc(4096, `part ${at} `), 0, 4096, at * 65_536 + 8192);
      await file.truncate(60 * 65_536);
      await file.close();
      writeFileSync(join(directory, "next"), "in step");
      const { stdout } = spawnSync(
        "tar",
        [...format.filter(Boolean), "-S", "-c", "-C", directory, "holes", "next"],
        { maxBuffer: 1e8 },
      );
      expect(stdout.byteLength).toBeLessThan(1_000_000);
      const [holes, next] = await readAll(stdout, 50_000);
      const expected = Buffer.alloc(60 * 65_536);
      for (let at = 0; at < 60; at += 1) expected.set(Buffer.alloc(4096, `part ${at} `), at * 65_536 + 8192);
      expect(holes?.header.path).toBe("holes");
      expect(holes?.content === expected.toString("latin1")).toBe(true);
      expect(next?.content).toBe("in step");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
