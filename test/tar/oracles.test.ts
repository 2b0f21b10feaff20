import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { Parser } from "tar";
import tarStream from "tar-stream";
import { afterAll, describe, expect, it } from "vitest";
import { textOfBytes } from "../../src/tar/byte-string.ts";
import { bytes, readAll } from "./craft.ts";
import { type Entry, header, write } from "./entries.ts";

const directory = mkdtempSync(join(tmpdir(), "oracles-"));
afterAll(() => rmSync(directory, { recursive: true }));

const utf8 = (name: string) => bytes(Buffer.from(name).toString("latin1"));
const content = (size: number): Uint8Array => Buffer.alloc(size, "content ");
const long = "a-directory/".repeat(24);

/** Entries that every reader can read. */
const entries: Entry[] = [
  {
    header: header({ path: bytes("dir/"), type: "directory", mode: 0o1777, mtime: "1700000000" }),
    content: content(0),
  },
  {
    header: header({ path: bytes("dir/file"), size: 1000, mode: 0o4755, uid: 1000, gid: 100, mtime: "5" }),
    content: content(1000),
  },
  { header: header({ path: utf8("dir/näme"), size: 512 }), content: content(512) },
  { header: header({ path: bytes(`${long}file`), size: 3, mtime: "1700000000.5" }), content: content(3) },
  { header: header({ path: utf8(`${long}näme`), size: 1 }), content: content(1) },
  { header: header({ path: bytes(`${"p".repeat(120)}/${"n".repeat(90)}`), size: 2 }), content: content(2) },
  {
    header: header({ path: bytes("link"), type: "symlink", linkname: bytes(`../${long}`), mode: 0o777 }),
    content: content(0),
  },
  {
    header: header({ path: bytes("hard"), type: "hardlink", linkname: bytes("dir/file") }),
    content: content(0),
  },
  { header: header({ path: bytes("many"), uid: 3_000_000_000, gid: 2_097_152 }), content: content(0) },
  { header: header({ path: bytes("fifo"), type: "fifo" }), content: content(0) },
  {
    header: header({ path: bytes("null"), type: "character", devmajor: 1, devminor: 3 }),
    content: content(0),
  },
  { header: header({ path: bytes("sda"), type: "block", devmajor: 8, devminor: 0 }), content: content(0) },
];

/** What is compared: path, content, owner. */
const gist = entries.map((each) => [textOfBytes(each.header.path), each.header.size, each.header.uid]);

describe("what is written", () => {
  it("is read alike by tar-stream", async () => {
    const extract = tarStream.extract();
    Readable.from([write(entries)]).pipe(extract);
    const seen: unknown[] = [];
    const types: unknown[] = [];
    for await (const entry of extract) {
      seen.push([entry.header.name, (await text(entry)).length]);
      types.push(entry.header.type);
    }
    expect(seen).toEqual(gist.map(([path, size]) => [path, size]));
    expect(types).toEqual([
      "directory",
      "file",
      "file",
      "file",
      "file",
      "file",
      "symlink",
      "link",
      "file",
      "fifo",
      "character-device",
      "block-device",
    ]);
  });

  it("is read alike by node-tar", async () => {
    const seen: unknown[] = [];
    const links: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      const parser = new Parser({
        strict: true,
        onReadEntry: (entry) => {
          let size = 0;
          entry.on("data", (chunk: Buffer) => {
            size += chunk.byteLength;
          });
          entry.on("end", () => seen.push([entry.path, size, entry.uid]));
          if (entry.linkpath) links.push(entry.linkpath);
        },
      });
      parser.on("end", resolve);
      parser.on("error", reject);
      parser.end(write(entries));
    });
    expect(seen).toEqual(gist);
    expect(links).toEqual(
      [`../${long}`.replace(/\/$/, ""), "dir/file"].map((link, at) =>
        at === 0 ? expect.stringContaining(link) : link,
      ),
    );
  });

  const gnuTar = spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout?.includes("GNU") ?? false;

  it.skipIf(!gnuTar)("is extracted alike by GNU tar", () => {
    const target = mkdtempSync(join(directory, "gnu-"));
    const withoutDevices = entries.filter(({ header: { type } }) => type !== "character" && type !== "block");
    const { status, stderr } = spawnSync("tar", ["-x", "-p", "--no-same-owner", "-C", target], {
      input: write(withoutDevices),
    });
    expect([status, stderr.toString()]).toEqual([0, ""]);
    expect(readFileSync(join(target, "dir/file"))).toEqual(content(1000));
    expect(readFileSync(join(target, `${long}näme`))).toEqual(content(1));
    expect(statSync(join(target, `${long}file`)).mtimeMs).toBe(1_700_000_000_500);
    expect(statSync(join(target, "dir")).mode & 0o7777).toBe(0o1777);
    expect(readlinkSync(join(target, "link"))).toBe(`../${long}`);
    expect(statSync(join(target, "hard")).ino).toBe(statSync(join(target, "dir/file")).ino);
  });

  it.skipIf(!gnuTar)("keeps names that are not UTF-8 through GNU tar, long and short", () => {
    const target = mkdtempSync(join(directory, "bytes-"));
    const names = ["caf\xe9", `${"d".repeat(80)}/${"n".repeat(90)}\xff`, `${"n".repeat(200)}\xff`];
    const tar = write(names.map((name) => ({ header: header({ path: bytes(name) }), content: content(0) })));
    expect(spawnSync("tar", ["-x", "-C", target], { input: tar }).status).toBe(0);
    const found = spawnSync("find", [target, "-type", "f", "-printf", "%P\\0"])
      .stdout.toString("latin1")
      .split("\0");
    expect(found).toEqual(expect.arrayContaining(names));
  });

  const python = spawnSync("python3", ["-c", "import tarfile"]).status === 0;

  it.skipIf(!python)("is read alike by Python, names, times and attributes byte for byte", () => {
    const odd: Entry[] = [
      { header: header({ path: bytes("caf\xe9"), mtime: "-1.5" }), content: content(0) },
      { header: header({ path: bytes(`${"n".repeat(200)}\xff`) }), content: content(0) },
      {
        header: header({ path: bytes("x"), xattrs: new Map([[bytes("user.x"), bytes("text")]]) }),
        content: content(0),
      },
      { header: header({ path: bytes("big"), size: 9 * 2 ** 30 }), content: content(0) },
    ];
    const script = `
import sys, tarfile
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for m in archive:
        print(m.name.encode("utf-8", "surrogateescape").hex(), m.type.decode(), m.mode, m.uid, m.gid, m.size, m.mtime,
              m.linkname, m.devmajor, m.devminor, m.pax_headers.get("SCHILY.xattr.user.x", ""), flush=True)
`;
    const listed = spawnSync("python3", ["-c", script], {
      input: write([...entries, ...odd]),
      encoding: "utf8",
    }).stdout;
    const flags = {
      file: "0",
      hardlink: "1",
      symlink: "2",
      character: "3",
      block: "4",
      directory: "5",
      fifo: "6",
    };
    expect(
      listed
        .trimEnd()
        .split("\n")
        .map((line) => line.trimEnd().split(" ")),
    ).toEqual(
      [...entries, ...odd].map(({ header: h }) => [
        Buffer.from(h.path.replace(/\/$/, ""), "latin1").toString("hex"),
        flags[h.type],
        String(h.mode),
        String(h.uid),
        String(h.gid),
        String(h.size),
        /[.]/.test(h.mtime) ? h.mtime : expect.stringMatching(new RegExp(`^${h.mtime}(\\.0)?$`)),
        h.linkname,
        String(h.devmajor),
        String(h.devminor),
        ...(h.xattrs.size > 0 ? ["text"] : []),
      ]),
    );
  });
});

describe("what others write", () => {
  const source = mkdtempSync(join(directory, "source-"));
  writeFileSync(join(source, "file"), content(100_000));
  const longName = `${"n".repeat(150)}-${"m".repeat(90)}`;
  writeFileSync(join(source, longName), "long");

  const gnuTar = spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout?.includes("GNU") ?? false;
  it.skipIf(!gnuTar).each(["v7", "ustar", "gnu", "oldgnu", "posix"])(
    "GNU tar, in its format %s, is read",
    async (format) => {
      const isOld = format === "v7" || format === "ustar";
      const files = isOld ? ["file"] : ["file", longName];
      const mtime = isOld ? "1700000000" : "-5";
      const { stdout } = spawnSync(
        "tar",
        [
          "-c",
          `--format=${format}`,
          `--mtime=@${mtime}`,
          "-C",
          source,
          "--owner=12345",
          "--numeric-owner",
          ...files,
        ],
        { maxBuffer: 1e7 },
      );
      const read = await readAll(stdout, 3000);
      expect(read.map((each) => each.header.path)).toEqual(files);
      expect(read.at(0)?.header).toMatchObject({ type: "file", uid: 12345, size: 100_000, mtime });
      expect(read.at(0)?.content).toBe(Buffer.from(content(100_000)).toString("latin1"));
    },
  );

  it("tar-stream writes is read", async () => {
    const pack = tarStream.pack();
    pack.entry({ name: "dir", type: "directory", mtime: new Date(5000) });
    pack.entry({ name: longName, mode: 0o600, uid: 7, mtime: new Date(5000) }, "long");
    pack.entry({ name: "s", type: "symlink", linkname: "t".repeat(200), mtime: new Date(5000) });
    pack.finalize();
    const read = await readAll(await buffer(pack), 1000);
    expect(
      read.map((each) => [each.header.path, each.header.type, each.header.linkname, each.content]),
    ).toEqual([
      ["dir", "directory", "", ""],
      [longName, "file", "", "long"],
      ["s", "symlink", "t".repeat(200), ""],
    ]);
  });

  const python = spawnSync("python3", ["-c", "import tarfile"]).status === 0;
  it.skipIf(!python).each(["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"])(
    "Python, in its %s, is read",
    async (format) => {
      const script = `
import io, sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.${format}) as archive:
    for name in ("short", "p" * 100 + "/" + "n" * 90, "caf\\udce9", "n" * 99 + "\\udcff"):
        m = tarfile.TarInfo(name)
        m.size, m.mtime, m.uid = 5, 1.5 if tarfile.${format} == tarfile.PAX_FORMAT else 1, 77
        archive.addfile(m, io.BytesIO(b"hello"))
`;
      const { stdout, stderr } = spawnSync("python3", ["-c", script], { maxBuffer: 1e7 });
      expect(stderr.toString()).toBe("");
      const read = await readAll(stdout, 999);
      expect(read.map((each) => each.header.path)).toEqual([
        "short",
        `${"p".repeat(100)}/${"n".repeat(90)}`,
        "caf\xe9",
        `${"n".repeat(99)}\xff`,
      ]);
      for (const each of read) {
        expect([each.header.mtime, each.header.uid, each.content]).toEqual([
          format === "PAX_FORMAT" ? "1.5" : "1",
          77,
          "hello",
        ]);
      }
    },
  );
});
