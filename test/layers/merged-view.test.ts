import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { inChunks } from "../codec/chunking.ts";
import { eStargzFooter, oldStargzFooter } from "../support/seekable-layers.ts";
import { gnuMagic, member } from "../tar/craft.ts";
import { compose, merged } from "./support/compose.ts";
import { dir, file, hardlink, opaque, symlink, tarOf, whiteout } from "./support/entries.ts";
import { layerOf } from "./support/layer.ts";

const invalid = (message: string) => ({ code: "LAYER_INVALID", message: expect.stringContaining(message) });

describe("a whiteout", () => {
  it("takes away the lower file and everything below a lower directory", async () => {
    expect(
      await merged([
        [file("d/f", "1"), file("d/sub/a", "2"), file("d/kept", "3")],
        [whiteout("d/f"), whiteout("d/sub")],
      ]),
    ).toEqual({ kept: "3" });
  });

  it.each([
    ["before", [whiteout("d/x"), file("d/x", "new")]],
    ["after", [file("d/x", "new"), whiteout("d/x")]],
  ])("leaves the file of its own layer that comes %s it", async (_, upper) => {
    expect(await merged([[file("d/x", "old")], upper])).toEqual({ x: "new" });
  });

  it.each([
    ["before", [whiteout("d/sub"), file("d/sub/new", "new")]],
    ["after", [file("d/sub/new", "new"), whiteout("d/sub")]],
  ])("of a directory leaves only what its own layer has below, %s it", async (_, upper) => {
    expect(await merged([[file("d/sub/old"), dir("d/sub", { mode: 0o700 })], upper])).toEqual({
      sub: "directory",
      "sub/new": "new",
    });
  });

  it("of an ancestor hides the selection until an upper layer makes it again", async () => {
    expect(await merged([[file("a/d/f", "1")], [whiteout("a")], [file("a/d/g", "2")]], "/a/d")).toEqual({
      g: "2",
    });
    await expect(merged([[file("a/d/f", "1")], [whiteout("a")]], "/a/d")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
    });
  });

  it("of a name that begins with .wh. in its own right deletes the dotfile", async () => {
    expect(await merged([[file("d/.baz"), file("d/baz", "1")], [file("d/.wh..baz", "")]])).toEqual({
      baz: "1",
    });
  });

  it("of a path that does not exist does nothing", async () => {
    expect(await merged([[file("d/f", "1")], [whiteout("d/g"), whiteout("e/h")]])).toEqual({ f: "1" });
  });

  it("of a symlink removes the link and not its target", async () => {
    expect(
      await merged([[file("d/real/f", "1"), symlink("d/link", "real")], [whiteout("d/link")]]),
    ).toMatchObject({ real: "directory", "real/f": "1" });
  });

  it("below a lower symlink to a directory acts on the directory", async () => {
    expect(
      await merged([
        [file("d/real/f", "1"), file("d/real/g", "2"), symlink("d/link", "real")],
        [whiteout("d/link/f")],
      ]),
    ).toEqual({ real: "directory", "real/g": "2", link: "-> real" });
  });

  it("below a symlink that its own layer replaces by a directory spares the symlink's target", async () => {
    const lower = [file("d/real/f", "1"), symlink("d/link", "real")];
    for (const marker of [whiteout("d/link/f"), opaque("d/link")]) {
      for (const upper of [
        [dir("d/link"), marker, file("d/link/new", "2")],
        [marker, dir("d/link"), file("d/link/new", "2")],
      ]) {
        expect(await merged([lower, upper])).toEqual({
          real: "directory",
          "real/f": "1",
          link: "directory",
          "link/new": "2",
        });
      }
    }
  });

  it.each([".wh.", ".wh..", ".wh..."])("named %s is refused, layer and entry named", async (name) => {
    await expect(merged([[file("d/f")], [file(`d/${name}`, "")]])).rejects.toMatchObject(
      invalid(`builder layer 2: /d/${name} is a whiteout marker that names no file`),
    );
  });

  it("as a directory on the way to a file is refused", async () => {
    await expect(merged([[file("d/.wh.etc/f")]])).rejects.toMatchObject(
      invalid("builder layer 1: /d/.wh.etc/f lies below a whiteout marker"),
    );
  });
});

describe("an opaque marker", () => {
  const lower = [dir("d", { mode: 0o700 }), file("d/old", "1"), file("d/sub/old", "2")];

  it.each([
    ["first", [opaque("d"), file("d/new", "3"), file("d/sub/new", "4")]],
    ["in the middle", [file("d/new", "3"), opaque("d"), file("d/sub/new", "4")]],
    ["last", [file("d/new", "3"), file("d/sub/new", "4"), opaque("d")]],
  ])("%s in the tar hides all lower children and none of its own layer's", async (_, upper) => {
    expect(await merged([lower, upper])).toEqual({ new: "3", sub: "directory", "sub/new": "4" });
  });

  it("keeps the directory itself, with its attributes", async () => {
    const { headers } = await compose({
      builder: [[dir("x/d", { mode: 0o700, uid: 7 }), file("x/d/f")], [opaque("x/d")]],
      steps: [{ src: "/x", dst: "/out" }],
    });
    expect(headers["out/d"]).toMatchObject({ mode: 0o700, uid: 7 });
    expect(headers["out/d/f"]).toBeUndefined();
  });

  it("at the root hides everything lower", async () => {
    expect(
      await merged(
        [
          [file("d/f", "1"), file("e", "2")],
          [opaque(), file("d/g", "3")],
        ],
        "/",
      ),
    ).toEqual({
      d: "directory",
      "d/g": "3",
    });
  });

  it("on an ancestor hides the selection", async () => {
    expect(await merged([[file("a/d/f")], [opaque("a"), file("a/d/g", "2")]], "/a/d")).toEqual({ g: "2" });
  });
});

describe("AUFS bookkeeping", () => {
  it("is no part of the image, but hardlinks may lead to it", async () => {
    expect(
      await merged([
        [
          file("d/.wh..wh.aufs", ""),
          dir("d/.wh..wh.orph"),
          file("d/.wh..wh.plnk/12.34", "shared"),
          hardlink("d/a", "d/.wh..wh.plnk/12.34"),
          hardlink("d/b", "d/.wh..wh.plnk/12.34"),
        ],
      ]),
    ).toEqual({ a: "shared", b: "= a" });
  });

  it("is found outside the selection too", async () => {
    expect(
      await merged([
        [file(".wh..wh.plnk/1.2", "shared"), hardlink("d/a", ".wh..wh.plnk/1.2"), hardlink("e", "d/a")],
      ]),
    ).toEqual({ a: "shared" });
  });
});

describe("an upper entry", () => {
  it("that is a file replaces a directory with all below it", async () => {
    expect(await merged([[file("d/x/f"), file("d/x/sub/g")], [file("d/x", "file")]])).toEqual({ x: "file" });
  });

  it("that is a directory replaces a file", async () => {
    expect(await merged([[file("d/x")], [dir("d/x"), file("d/x/f", "1")]])).toEqual({
      x: "directory",
      "x/f": "1",
    });
  });

  it("that is a symlink replaces a directory, and the other way round", async () => {
    expect(
      await merged([
        [file("d/x/f"), symlink("d/y", "x")],
        [symlink("d/x", "elsewhere"), dir("d/y"), file("d/y/g", "2")],
      ]),
    ).toEqual({ x: "-> elsewhere", y: "directory", "y/g": "2" });
  });

  it("that is a directory merges with a lower one, and its attributes win", async () => {
    const { files, headers } = await compose({
      builder: [
        [dir("d/x", { mode: 0o700, uid: 1 }), file("d/x/low", "1")],
        [dir("d/x", { mode: 0o750, uid: 2 }), file("d/x/up", "2")],
      ],
      steps: [{ src: "/d", dst: "/out" }],
    });
    expect(files).toMatchObject({ "out/x/low": "1", "out/x/up": "2" });
    expect(headers["out/x"]).toMatchObject({ mode: 0o750, uid: 2 });
  });

  it("below a lower file makes a directory of it", async () => {
    expect(await merged([[file("d/x")], [file("d/x/f", "1")]])).toEqual({ x: "directory", "x/f": "1" });
  });

  it("below a directory without an entry makes it 0755 0:0", async () => {
    const { headers } = await compose({
      builder: [[file("d/x/y/f")]],
      steps: [{ src: "/d", dst: "/out" }],
    });
    for (const path of ["out/x", "out/x/y"])
      expect(headers[path]).toMatchObject({ type: "directory", mode: 0o755, uid: 0, gid: 0 });
  });

  it("replaced by an entry of another kind and made again is the last layer's", async () => {
    expect(
      await merged([[dir("d/x"), file("d/x/a")], [symlink("d/x", "gone")], [dir("d/x"), file("d/x/b", "b")]]),
    ).toEqual({ x: "directory", "x/b": "b" });
  });
});

describe("an entry through a lower symlink", () => {
  it("lands in the directory that the link leads to", async () => {
    expect(await merged([[dir("d/real"), symlink("d/link", "real")], [file("d/link/f", "1")]])).toEqual({
      real: "directory",
      "real/f": "1",
      link: "-> real",
    });
  });

  it("outside the selection that leads into it is found", async () => {
    expect(await merged([[dir("d/real"), symlink("alias", "d/real")], [file("alias/f", "1")]])).toEqual({
      real: "directory",
      "real/f": "1",
    });
    expect(
      await merged([
        [file("d/f", "1"), symlink("alias", "/d")],
        [whiteout("alias/f"), file("alias/g", "2")],
      ]),
    ).toEqual({ g: "2" });
    expect(
      await merged([[file("d/f", "1"), file("d/g", "2"), symlink("alias", "/d")], [whiteout("alias/f")]]),
    ).toEqual({
      g: "2",
    });
  });

  it("never leaves the root, whatever the link says", async () => {
    expect(
      await merged([[symlink("d/link", "../../../../d/real"), dir("d/real")], [file("d/link/f", "1")]]),
    ).toMatchObject({ "real/f": "1" });
  });

  it("that leads in a circle makes a directory in the link's place", async () => {
    expect(await merged([[symlink("d/link", "link")], [file("d/link/f", "1")]])).toEqual({
      link: "directory",
      "link/f": "1",
    });
  });

  it("that its own layer replaced by a directory goes into the directory", async () => {
    expect(
      await merged([
        [file("d/real/a", "1"), symlink("d/link", "real")],
        [file("d/link/early", "through the link"), dir("d/link"), file("d/link/late", "2")],
      ]),
    ).toEqual({
      real: "directory",
      "real/a": "1",
      "real/early": "through the link",
      link: "directory",
      "link/late": "2",
    });
  });
});

describe("names", () => {
  it("are cleaned inside the root", async () => {
    expect(
      await merged([
        [file("./d/a", "1"), file("/d/b", "2"), dir("d/c/"), file("d//e", "3"), file("x/../d/g", "4")],
      ]),
    ).toEqual({ a: "1", b: "2", c: "directory", e: "3", g: "4" });
  });

  it("that leave the root are refused", async () => {
    await expect(merged([[file("d/f"), file("d/../../etc/passwd")]])).rejects.toMatchObject({
      code: "PATH_ESCAPES",
      message: "builder layer 1: /d/../../etc/passwd leaves the image's root",
    });
  });

  it("longer than any system takes are refused", async () => {
    await expect(merged([[file("d/f"), file("a/".repeat(2100).concat("f"))]])).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      message: expect.stringContaining("builder layer 1"),
    });
  });

  it("longer than any system takes are refused in links, and where links lead", async () => {
    const long = "a/".repeat(1100);
    const refusal = { code: "LIMIT_EXCEEDED", message: expect.stringContaining("builder layer 1") };
    await expect(merged([[symlink("d/l", long.repeat(2))]])).rejects.toMatchObject(refusal);
    await expect(merged([[symlink("d/l", long), file(`d/l/${long}f`)]])).rejects.toMatchObject(refusal);
  });

  it("like a marker's are refused where a symlink leads to one: whoever unpacks the layer would delete", async () => {
    await expect(merged([[symlink("d/l", ".wh.etc")], [file("d/l/f")]])).rejects.toMatchObject({
      code: "LAYER_INVALID",
      message: expect.stringContaining("/d/.wh.etc"),
    });
  });

  it("that are not UTF-8 keep their bytes", async () => {
    const latin = member({ name: "d/caf\xe9", size: 1 }, "x");
    const { tar } = await compose({
      builder: [layerOf(Buffer.concat([latin, Buffer.alloc(1024)]))],
      steps: [{ src: "/d", dst: "/out" }],
    });
    expect(tar.includes(Buffer.from("out/caf\xe9\0", "latin1"))).toBe(true);
  });

  it("twice in one tar count the last time, with a warning", async () => {
    const { files, warnings } = await compose({
      builder: [[file("d/f", "first"), symlink("d/f", "x"), file("d/f", "last"), dir("d/g"), dir("d/g")]],
      steps: [{ src: "/d", dst: "/out" }],
    });
    expect(files["out/f"]).toBe("last");
    expect(warnings).toEqual(["builder layer 1 holds /d/f more than once; the last one counts"]);
  });

  it("in several layers give no warning", async () => {
    const { warnings } = await compose({
      builder: [[file("d/f", "1")], [file("d/f", "2")]],
      steps: [{ src: "/d", dst: "/out" }],
    });
    expect(warnings).toEqual([]);
  });
});

describe("a hardlink", () => {
  it("stays one when both names are selected, with its target below the destination", async () => {
    expect(await merged([[file("d/z", "1"), hardlink("d/a", "d/z")]])).toEqual({ a: "1", z: "= a" });
  });

  it("to a file outside the selection becomes a file, and further names link to that", async () => {
    const layers = [[file("e/f", "bytes", { mode: 0o4755, uid: 5, gid: 6 })]];
    const link = { mode: 0o4755, uid: 5, gid: 6 };
    for (const links of [
      [hardlink("d/a", "e/f", link), hardlink("d/b", "e/f", link)],
      [hardlink("d/a", "./e//f", link), hardlink("d/b", "d/a", link)],
    ]) {
      const { files, headers } = await compose({
        builder: [[...(layers[0] ?? []), ...links]],
        steps: [{ src: "/d", dst: "/out" }],
      });
      expect(files).toEqual({ out: "directory", "out/a": "bytes", "out/b": "= out/a" });
      expect(headers["out/a"]).toMatchObject({ type: "file", mode: 0o4755, uid: 5, gid: 6 });
    }
  });

  it("to a file of a lower layer has that file's bytes, inside and outside the selection", async () => {
    expect(await merged([[file("d/z", "low")], [], [hardlink("d/a", "d/z")]])).toEqual({
      a: "low",
      z: "= a",
    });
    expect(await merged([[file("e/z", "low")], [], [hardlink("d/a", "e/z")]])).toEqual({ a: "low" });
  });

  it("keeps the old file's bytes when its target is later deleted or replaced", async () => {
    for (const upper of [whiteout("d/z"), file("d/z", "new")]) {
      expect((await merged([[file("d/z", "old")], [hardlink("d/a", "d/z")], [upper]])).a).toBe("old");
    }
    for (const upper of [whiteout("e/z"), file("e/z", "new")]) {
      expect(await merged([[file("e/z", "old")], [hardlink("d/a", "e/z")], [upper]])).toEqual({ a: "old" });
    }
  });

  it("sees its target as its own layer has it: neither before nor after", async () => {
    expect(
      await merged([[file("e/z", "1")], [file("e/z", "2"), hardlink("d/a", "e/z")], [file("e/z", "3")]]),
    ).toEqual({ a: "2" });
    await expect(
      merged([[file("e/z", "1")], [whiteout("e/z")], [hardlink("d/a", "e/z")]]),
    ).rejects.toMatchObject(invalid("/d/a is a hardlink to e/z, which is not there"));
  });

  it("applies its own uid, gid and mode to the shared file", async () => {
    const { headers } = await compose({
      builder: [
        [file("d/z", "1", { mode: 0o600, uid: 1 }), hardlink("d/a", "d/z", { mode: 0o755, uid: 2, gid: 3 })],
      ],
      steps: [{ src: "/d", dst: "/out" }],
    });
    expect(headers["out/a"]).toMatchObject({ type: "file", mode: 0o755, uid: 2, gid: 3 });
  });

  it("to a symlink is the symlink itself", async () => {
    expect(await merged([[symlink("d/z", "nowhere"), hardlink("d/a", "d/z")]])).toEqual({
      a: "-> nowhere",
      z: "-> nowhere",
    });
  });

  it("to a hardlink leads to the same file, however long the chain outside the selection", async () => {
    expect(
      await merged([
        [file("e/1", "x"), hardlink("e/2", "e/1"), hardlink("e/3", "e/2"), hardlink("d/a", "e/3")],
      ]),
    ).toEqual({ a: "x" });
  });

  it("reaches its target through a symlinked directory", async () => {
    expect(
      await merged([[symlink("lib", "usr/lib"), file("usr/lib/x", "1")], [hardlink("d/a", "lib/x")]]),
    ).toEqual({ a: "1" });
  });

  it("to a directory, or to nothing, is refused naming both", async () => {
    await expect(merged([[dir("d/z"), hardlink("d/a", "d/z")]])).rejects.toMatchObject(
      invalid("builder layer 1: /d/a is a hardlink to d/z, which is a directory"),
    );
    await expect(merged([[hardlink("d/a", "e/z")]])).rejects.toMatchObject(
      invalid("builder layer 1: /d/a is a hardlink to e/z, which is not there"),
    );
    await expect(merged([[hardlink("d/a", "../z")]])).rejects.toMatchObject({ code: "PATH_ESCAPES" });
  });

  it("to any of very many files outside the selection is read in few readings", async () => {
    const count = 500;
    const names = Array.from({ length: count }, (_, i) => `f${i}`);
    const layer = layerOf([
      ...names.map((name) => file(`store/${name}`, name)),
      ...names.map((name) => hardlink(`d/${name}`, `store/${name}`)),
    ]);
    const files = await merged([layer]);
    expect(Object.keys(files)).toHaveLength(count);
    expect(files.f77).toBe("f77");
    expect(layer.opened.times).toBeLessThanOrEqual(3);
  });
});

describe("entries of other kinds", () => {
  it("keep attributes byte for byte", async () => {
    const { headers } = await compose({
      builder: [
        [
          file("d/f", "x", {
            mode: 0o6755,
            uid: 3_000_000_000,
            gid: 2_097_152,
            mtime: "1731000000.123456789",
            xattrs: { "security.capability": "\x01\0\0\x02\0\xff", "user.a": "" },
          }),
          dir("d/sticky", { mode: 0o1777, mtime: "-1.5" }),
          { path: "d/block", type: "block", devmajor: 8, devminor: 1 },
          { path: "d/char", type: "character", devmajor: 1, devminor: 3 },
          { path: "d/pipe", type: "fifo" },
        ],
      ],
      steps: [{ src: "/d", dst: "/out" }],
    });
    expect(headers["out/f"]).toMatchObject({
      mode: 0o6755,
      uid: 3_000_000_000,
      gid: 2_097_152,
      mtime: "1731000000.123456789",
    });
    expect([...(headers["out/f"]?.xattrs ?? [])]).toEqual([
      ["security.capability", "\x01\0\0\x02\0\xff"],
      ["user.a", ""],
    ]);
    expect(headers["out/sticky"]).toMatchObject({ mode: 0o1777, mtime: "-1.5" });
    expect(headers["out/block"]).toMatchObject({ type: "block", devmajor: 8, devminor: 1 });
    expect(headers["out/char"]).toMatchObject({ type: "character", devmajor: 1, devminor: 3 });
    expect(headers["out/pipe"]).toMatchObject({ type: "fifo" });
  });

  describe("of the eStargz format", () => {
    const others = [file("d/stargz.index.json", "mine"), file("d/.prefetch.landmark", "x")];
    const left = { d: "directory", "d/stargz.index.json": "mine", "d/.prefetch.landmark": "x" };
    const table = file("stargz.index.json", "{}");

    it("at the root are left out where there is a landmark, and kept anywhere else", async () => {
      const landmark = file(".no.prefetch.landmark", "\x0f");
      for (const entries of [
        [landmark, ...others, table],
        [table, ...others, landmark],
      ]) {
        expect(await merged([entries], "/")).toEqual(left);
      }
    });

    it("are left out where the manifest or the footer says so", async () => {
      const tar = tarOf([...others, table]);
      const declared = layerOf(tar, {
        annotations: { "containerd.io/snapshot/stargz/toc.digest": digestOf(tar) },
      });
      expect(await merged([declared], "/")).toEqual(left);
      for (const footer of [eStargzFooter(1234), oldStargzFooter(1234)]) {
        const packed = Buffer.concat([gzipSync(tar), footer]);
        expect(await merged([layerOf(packed, { served: (all) => inChunks(all, 7) })], "/")).toEqual(left);
      }
      const almost = Buffer.concat([gzipSync(tar), eStargzFooter(1234), Buffer.alloc(1)]);
      expect(await merged([layerOf(almost)], "/")).toEqual({ ...left, "stargz.index.json": "{}" });
    });

    it("are files like others in layers that are none", async () => {
      const mine = [table, file(".prefetch.landmark", "more than a byte"), ...others];
      expect(await merged([mine], "/")).toEqual({
        ...left,
        "stargz.index.json": "{}",
        ".prefetch.landmark": "more than a byte",
      });
    });
  });

  it("that are sparse come out whole", async () => {
    const sparse = member(
      {
        name: "d/s",
        typeflag: "S",
        magic: gnuMagic,
        size: 3,
        at: { 386: "00000000005\0", 398: "00000000003\0", 483: "00000000012\0" },
      },
      "abc",
    );
    expect(await merged([layerOf(Buffer.concat([sparse, Buffer.alloc(1024)]))])).toEqual({
      s: "\0\0\0\0\0abc\0\0",
    });
  });

  it("may be missing: an empty layer is one", async () => {
    expect(await merged([[], [file("d/f", "1")], []])).toEqual({ f: "1" });
  });
});

describe("a layer", () => {
  it("that appears twice in one image counts at both places", async () => {
    const twice = layerOf([file("d/f", "1"), file("d/g", "2")]);
    expect(await merged([twice, layerOf([whiteout("d/f"), file("d/g", "3")]), twice])).toEqual({
      f: "1",
      g: "2",
    });
    expect(twice.opened.times).toBe(1);
  });

  it("is not read for bodies when nothing above hides them", async () => {
    const layer = layerOf(tarOf([file("d/f", "1")]));
    await merged([layer]);
    expect(layer.opened.times).toBe(1);
  });
});
