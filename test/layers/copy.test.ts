import { describe, expect, it } from "vitest";
import { compose, type Step } from "./support/compose.ts";
import { dir, type EntrySpec, file, hardlink, symlink } from "./support/entries.ts";

const tree: EntrySpec[] = [
  dir("src", { mode: 0o750, uid: 7, gid: 8, mtime: "5000" }),
  file("src/a", "a", { mode: 0o640, uid: 1, gid: 2, mtime: "111" }),
  dir("src/sub", { mode: 0o711, uid: 3, gid: 4, mtime: "222" }),
  file("src/sub/b", "b"),
];

const copying = (
  step: Step,
  options: { builder?: EntrySpec[]; base?: EntrySpec[]; epoch?: number } = {},
): ReturnType<typeof compose> =>
  compose({
    builder: [options.builder ?? tree],
    base: [options.base ?? []],
    steps: [step],
    ...(options.epoch !== undefined && { epoch: options.epoch }),
  });

describe("what is copied", () => {
  it.each(["/src", "/src/", "/src/.", "src", "/./x/../src//"])(
    "of the directory written %s is its contents",
    async (src) => {
      const { files } = await copying({ src, dst: "/out" });
      expect(files).toEqual({ out: "directory", "out/a": "a", "out/sub": "directory", "out/sub/b": "b" });
    },
  );

  it("of a file is the file, under the destination's name or, in a directory, under its own", async () => {
    const cases: [dst: string, base: EntrySpec[], path: string][] = [
      ["/x", [], "x"],
      ["/x/", [], "x/a"],
      ["/x/.", [], "x/a"],
      ["/x", [dir("x")], "x/a"],
      ["/", [], "a"],
      ["/y/..", [], "a"],
      ["/x/y/z", [], "x/y/z"],
    ];
    for (const [dst, base, path] of cases) {
      const { files } = await copying({ src: "/src/a", dst }, { base });
      expect(Object.entries(files).filter(([, shown]) => shown !== "directory")).toEqual([[path, "a"]]);
    }
  });

  it("of a file written with a slash at its end is the file", async () => {
    expect((await copying({ src: "/src/a/", dst: "/x" })).files).toEqual({ x: "a" });
  });

  it("of / is the whole merged root, and the root has no entry of its own", async () => {
    const { paths } = await copying(
      { src: "/", dst: "/" },
      { builder: [dir("./", { mode: 0o700 }), ...tree] },
    );
    expect(paths).toEqual(["src/", "src/a", "src/sub/", "src/sub/b"]);
  });

  it("holds symlinks verbatim, however far up they point", async () => {
    const { files } = await copying(
      { src: "/src", dst: "/out" },
      {
        builder: [
          symlink("src/up", "../../../../etc/passwd"),
          symlink("src/abs", "/etc//x/"),
          symlink("src/gone", "nowhere"),
        ],
      },
    );
    expect(files).toMatchObject({
      "out/up": "-> ../../../../etc/passwd",
      "out/abs": "-> /etc//x/",
      "out/gone": "-> nowhere",
    });
  });
});

describe("a source with symlinks on its path", () => {
  const builder = [
    ...tree,
    symlink("link", "src"),
    symlink("opt/abs", "/src"),
    symlink("opt/up", "../../../src"),
    symlink("chain1", "chain2"),
    symlink("chain2", "opt/abs/sub"),
    symlink("tofile", "src/a"),
    symlink("rootlink", "/"),
    symlink("src/self", "."),
    symlink("src/parent", ".."),
  ];

  it.each([
    ["/link", ["a", "parent", "self", "sub"]],
    ["/opt/abs", ["a", "parent", "self", "sub"]],
    ["/opt/up", ["a", "parent", "self", "sub"]],
    ["/chain1", ["b"]],
    ["/link/sub", ["b"]],
    ["/src/self/self/sub", ["b"]],
    ["/rootlink/src/sub", ["b"]],
  ])("%s follows every component, the last too", async (src, names) => {
    const { files } = await copying({ src, dst: "/out" }, { builder });
    expect(
      Object.keys(files)
        .filter((path) => /^out\/[^/]*$/.test(path))
        .map((path) => path.slice(4)),
    ).toEqual(names);
  });

  it.each(["/rootlink", "/src/parent"])(
    "%s that leads above the selection brings all there is",
    async (src) => {
      const { files } = await copying(
        { src, dst: "/out" },
        { builder: [...builder, file("other/file", "o")] },
      );
      expect(files).toMatchObject({ "out/other/file": "o", "out/src/sub/b": "b", "out/opt": "directory" });
    },
  );

  it("leading to an ancestor of another source brings all there is", async () => {
    const { files } = await compose({
      builder: [[file("etc/app/conf", "1"), file("etc/other", "2"), symlink("opt/link", "/etc")]],
      steps: [
        { src: "/etc/app", dst: "/one" },
        { src: "/opt/link", dst: "/two" },
      ],
    });
    expect(files).toMatchObject({ "one/conf": "1", "two/app/conf": "1", "two/other": "2" });
  });

  it("calls the copy of a file by the link's name", async () => {
    expect((await copying({ src: "/tofile", dst: "/out/" }, { builder })).files).toEqual({
      out: "directory",
      "out/tofile": "a",
    });
  });

  it.each([
    ["/nothing", "builder image has no /nothing", undefined],
    ["/src/x/y", "builder image has no /src/x/y: /src/x is missing", undefined],
    ["/src/a/b", "builder image has no /src/a/b", undefined],
    ["/dangling", "builder image has no /dangling: /src/gone is missing", symlink("dangling", "src/gone/f")],
    ["/loop/x", "/loop/x is a loop of symlinks at /loop", symlink("loop", "loop")],
  ])("%s that leads nowhere is an error that says where the way ended", async (src, message, extra) => {
    await expect(
      copying({ src, dst: "/out" }, { builder: extra === undefined ? tree : [...tree, extra] }),
    ).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND", message: expect.stringContaining(message) });
  });

  it("of two links that lead to each other is an error", async () => {
    await expect(
      copying({ src: "/a/x", dst: "/out" }, { builder: [symlink("a", "b"), symlink("b", "a")] }),
    ).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });
});

describe("several sources", () => {
  it("need a destination that ends in a slash", async () => {
    await expect(copying({ src: ["/src/a", "/src/sub/b"], dst: "/out" })).rejects.toMatchObject({
      code: "USAGE",
      hint: expect.stringContaining("/out/"),
    });
    expect((await copying({ src: ["/src/a", "/src/sub"], dst: "/out/" })).files).toEqual({
      out: "directory",
      "out/a": "a",
      "out/b": "b",
    });
  });
});

describe("a pattern", () => {
  const builder = [
    file("w/.dot", "dot"),
    file("w/a1.js", "a1"),
    file("w/a2.js", "a2"),
    file("w/b.txt", "b"),
    dir("w/pkg", { mtime: "77" }),
    file("w/pkg/f.js", "f"),
    symlink("w/slink", "/else/target"),
    file("else/target", "t"),
    symlink("w/dlink", "/else"),
  ];
  const namesOf = async (src: string, dst = "/out/"): Promise<string[]> =>
    Object.keys((await copying({ src, dst }, { builder })).files).filter((path) => path !== "out");

  it.each([
    ["/w/*.js", ["out/a1.js", "out/a2.js"]],
    ["/w/a[12].js", ["out/a1.js", "out/a2.js"]],
    ["/w/a[^2].js", ["out/a1.js"]],
    ["/w/?.txt", ["out/b.txt"]],
    ["/w/.*", ["out/.dot"]],
    ["/w/[.a]*", ["out/.dot", "out/a1.js", "out/a2.js"]],
    ["/*/pkg/*.js", ["out/f.js"]],
    ["/w/\\a1.js", ["out/a1.js"]],
  ])("%s takes what Go's Match takes, dotfiles among it", async (src, names) => {
    expect(await namesOf(src)).toEqual(names);
  });

  it("flattens a matched directory into the destination", async () => {
    expect(await namesOf("/w/pk*")).toEqual(["out/f.js"]);
  });

  it("follows a matched symlink and keeps its name", async () => {
    const { files } = await copying({ src: "/w/sl*", dst: "/out/" }, { builder });
    expect(files).toEqual({ out: "directory", "out/slink": "t" });
    expect(await namesOf("/w/dl*")).toEqual(["out/target"]);
  });

  it("does not look through symlinks for more matches", async () => {
    expect(await namesOf("/w/*/target")).toEqual([]);
  });

  it("without a match creates nothing, not even the destination", async () => {
    expect((await copying({ src: "/w/*.none", dst: "/out/" }, { builder })).paths).toEqual([]);
    expect((await copying({ src: "/nowhere/*", dst: "/out/" }, { builder })).paths).toEqual([]);
  });

  it.each([
    ["/w/\\*.none", "builder image has no /w/*.none"],
    ["/nowhere/\\[x", "builder image has no /nowhere/[x: /nowhere is missing"],
  ])("%s, whose wildcards are all escaped, is a path, which has to be there", async (src, message) => {
    await expect(copying({ src, dst: "/out/" }, { builder })).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      message,
    });
  });

  it("with one match may have a name as its destination, with several not", async () => {
    expect((await copying({ src: "/w/b*", dst: "/out" }, { builder })).files).toEqual({ out: "b" });
    await expect(copying({ src: "/w/a*", dst: "/out" }, { builder })).rejects.toMatchObject({
      code: "USAGE",
    });
  });

  it("that matches very many symlinks that lead elsewhere needs few readings", async () => {
    const many = Array.from({ length: 200 }, (_, i) => i);
    const { files } = await copying(
      { src: "/bin/*", dst: "/out/" },
      { builder: many.flatMap((i) => [symlink(`bin/l${i}`, `../lib/p${i}/f`), file(`lib/p${i}/f`, `${i}`)]) },
    );
    expect(files["out/l150"]).toBe("150");
  });

  it("that is malformed is a wrong use", async () => {
    for (const src of ["/w/[", "/w/[a-]", "/w/[]x]", "/w/a\\"]) {
      await expect(copying({ src, dst: "/out/" }, { builder })).rejects.toMatchObject({ code: "USAGE" });
    }
  });
});

describe("a new destination", () => {
  it("is 0755 0:0 with its parents; it has the source's time, they have none", async () => {
    const { headers } = await copying({ src: "/src", dst: "/x/y" });
    expect(headers.x).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: "0" });
    expect(headers["x/y"]).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: "5000" });
  });

  it("gets owner and mode of chown and chmod, its parents too", async () => {
    const { headers } = await copying({ src: "/src", dst: "/x/y", chown: "55", chmod: 0o4711 });
    for (const path of ["x", "x/y", "x/y/a", "x/y/sub", "x/y/sub/b"])
      expect(headers[path]).toMatchObject({ mode: 0o4711, uid: 55, gid: 55 });
  });

  it("gets the epoch's time for directories that are made", async () => {
    const { headers } = await copying({ src: "/src", dst: "/x/y" }, { epoch: 300 });
    expect(headers.x?.mtime).toBe("300");
  });

  it("holds subdirectories with the source's mode, owner and times", async () => {
    const { headers } = await copying({ src: "/src", dst: "/x" });
    expect(headers["x/sub"]).toMatchObject({ mode: 0o711, uid: 3, gid: 4, mtime: "222" });
    expect(headers["x/a"]).toMatchObject({ mode: 0o640, uid: 1, gid: 2, mtime: "111" });
  });
});

describe("a destination that the base has", () => {
  const base = [
    dir("tmp", { mode: 0o1777, uid: 9, gid: 9, mtime: "42" }),
    dir("tmp/x", { mode: 0o700, uid: 10, gid: 11, mtime: "43", xattrs: { "user.k": "v" } }),
    dir("tmp/x/sub", { mode: 0o700, uid: 12 }),
  ];

  it("keeps mode and owner, whatever chown and chmod say, and takes the source's time", async () => {
    const { headers } = await copying({ src: "/src", dst: "/tmp/x", chown: "55:66", chmod: 0o444 }, { base });
    expect(headers["tmp/x"]).toMatchObject({ mode: 0o700, uid: 10, gid: 11, mtime: "5000" });
    expect(headers["tmp/x/a"]).toMatchObject({ mode: 0o444, uid: 55, gid: 66 });
  });

  it("has directories below that take the source's mode and owner", async () => {
    const { headers } = await copying({ src: "/src", dst: "/tmp/x" }, { base });
    expect(headers["tmp/x/sub"]).toMatchObject({ mode: 0o711, uid: 3, gid: 4 });
  });

  it("has parents that keep all that is the base's, /tmp its sticky bit", async () => {
    const { headers } = await copying({ src: "/src", dst: "/tmp/x/new" }, { base });
    expect(headers.tmp).toMatchObject({ mode: 0o1777, uid: 9, gid: 9, mtime: "42" });
    expect(headers["tmp/x"]).toMatchObject({ mode: 0o700, uid: 10, gid: 11, mtime: "43" });
    expect([...(headers["tmp/x"]?.xattrs ?? [])]).toEqual([["user.k", "v"]]);
    expect(headers["tmp/x/new"]).toMatchObject({ mode: 0o755, uid: 0, gid: 0 });
  });
});

describe("symlinks of the base on the way to the destination", () => {
  const base = [
    dir("usr/bin"),
    symlink("bin", "usr/bin"),
    dir("run"),
    symlink("var/run", "/run"),
    symlink("var/up", "../../../run"),
    symlink("todir", "run"),
    symlink("tofile", "etc/target"),
    file("etc/target", "old"),
    symlink("dangling", "newly/made"),
    symlink("toroot", "/"),
    symlink("loop", "loop"),
  ];

  it.each([
    ["/bin", "usr/bin/a"],
    ["/bin/x", "usr/bin/x/a"],
    ["/var/run/app", "run/app/a"],
    ["/var/up/app", "run/app/a"],
    ["/todir", "run/a"],
    ["/dangling", "newly/made/a"],
    ["/toroot", "a"],
    ["/toroot/x", "x/a"],
  ])("%s is followed for a directory", async (dst, path) => {
    const { files } = await copying({ src: "/src", dst }, { base });
    expect(files[path]).toBe("a");
    for (const link of ["bin", "var/run", "var/up", "todir", "dangling", "toroot"])
      expect(files).not.toHaveProperty([link]);
  });

  it.each([
    ["/tofile", "etc/target"],
    ["/todir", "run/a"],
    ["/todir/", "run/a"],
    ["/dangling", "newly/made"],
    ["/bin/x", "usr/bin/x"],
    ["/toroot", "a"],
  ])("%s is followed for a file", async (dst, path) => {
    const { files } = await copying({ src: "/src/a", dst }, { base });
    expect(Object.entries(files).filter(([, shown]) => shown !== "directory")).toEqual([[path, "a"]]);
  });

  it("that loop are a conflict", async () => {
    for (const src of ["/src", "/src/a"]) {
      await expect(copying({ src, dst: "/loop" }, { base })).rejects.toMatchObject({
        code: "COPY_CONFLICT",
        message: expect.stringContaining("/loop"),
      });
    }
  });
});

describe("a file of the copy and a file of the base at the same path", () => {
  const builder = [file("src/x", "new"), symlink("src/y", "elsewhere")];

  it("is the copy's when both are no directories, symlinks of the base replaced", async () => {
    const { files } = await copying(
      { src: "/src", dst: "/out" },
      { builder, base: [symlink("out/x", "/etc/passwd"), file("out/y"), file("etc/passwd")] },
    );
    expect(files).toEqual({ out: "directory", "out/x": "new", "out/y": "-> elsewhere" });
  });

  it.each([
    ["a file", file("out/sub"), "there is a file"],
    ["a symlink", symlink("out/sub", "x"), "there is a symlink"],
  ])("is a conflict where a directory meets %s", async (_, existing, message) => {
    await expect(copying({ src: "/src", dst: "/out" }, { base: [existing] })).rejects.toMatchObject({
      code: "COPY_CONFLICT",
      message: expect.stringContaining(message),
    });
  });

  it("is a conflict where a file meets a directory, both paths named", async () => {
    await expect(
      copying({ src: "/src", dst: "/out" }, { builder, base: [dir("out/x")] }),
    ).rejects.toMatchObject({
      code: "COPY_CONFLICT",
      message: "cannot copy the file /src/x of builder image to /out/x: there is a directory",
    });
  });

  it("is a conflict where a file is on the way to the destination", async () => {
    await expect(
      copying({ src: "/src", dst: "/out/deep/er" }, { base: [file("out/deep")] }),
    ).rejects.toMatchObject({
      code: "COPY_CONFLICT",
      message: expect.stringContaining("base image has a file at /out/deep"),
    });
  });
});

describe("owner and mode", () => {
  it("replace those of all that is copied, setuid and capabilities kept under chown", async () => {
    const builder = [
      file("src/f", "x", { mode: 0o4755, uid: 1, xattrs: { "security.capability": "\x01" } }),
      symlink("src/l", "f", { uid: 1 }),
    ];
    const { headers } = await copying({ src: "/src", dst: "/o", chown: ":20" }, { builder });
    expect(headers["o/f"]).toMatchObject({ mode: 0o4755, uid: 0, gid: 20 });
    expect(headers["o/f"]?.xattrs.size).toBe(1);
    expect(headers["o/l"]).toMatchObject({ uid: 0, gid: 20 });
  });

  it("leave symlinks' modes alone", async () => {
    const { headers } = await copying(
      { src: "/src", dst: "/o", chmod: 0o600 },
      { builder: [file("src/f"), symlink("src/l", "f")] },
    );
    expect(headers["o/f"]?.mode).toBe(0o600);
    expect(headers["o/l"]?.mode).toBe(0o777);
  });

  it("of one step leave another's copy of the same file alone", async () => {
    const { headers } = await compose({
      builder: [[file("src/f", "x", { uid: 1 })]],
      steps: [
        { src: "/src", dst: "/one" },
        { src: "/src", dst: "/two", chown: "9" },
        { src: "/src", dst: "/three" },
      ],
    });
    expect(["one/f", "two/f", "three/f"].map((path) => headers[path]?.uid)).toEqual([1, 9, 1]);
  });
});

describe("exclude", () => {
  const builder = [
    file("src/a.js"),
    file("src/a.test.js"),
    file("src/node_modules/x/index.js"),
    file("src/node_modules/keep/index.js"),
    file("src/deep/node_modules/y"),
    file("src/deep/b.test.js"),
  ];
  const kept = async (...exclude: string[]): Promise<string[]> =>
    (await copying({ src: "/src", dst: "/o", exclude }, { builder })).paths
      .filter((path) => !path.endsWith("/"))
      .map((path) => path.slice(2));

  it.each<[patterns: string[], kept: string[]]>([
    [["node_modules"], ["a.js", "a.test.js", "deep/b.test.js", "deep/node_modules/y"]],
    [["**/node_modules"], ["a.js", "a.test.js", "deep/b.test.js"]],
    [
      ["*.test.js"],
      [
        "a.js",
        "deep/b.test.js",
        "deep/node_modules/y",
        "node_modules/keep/index.js",
        "node_modules/x/index.js",
      ],
    ],
    [["**/*.test.js", "**/node_modules"], ["a.js"]],
    [
      ["node_modules", "!node_modules/keep"],
      ["a.js", "a.test.js", "deep/b.test.js", "deep/node_modules/y", "node_modules/keep/index.js"],
    ],
    [["**", "!**/b.test.js"], ["deep/b.test.js"]],
    [["*", "!a*", "a.test.js"], ["a.js"]],
    [
      ["/deep/", " node_modules "],
      ["a.js", "a.test.js"],
    ],
    [["./deep/*"], ["a.js", "a.test.js", "node_modules/keep/index.js", "node_modules/x/index.js"]],
  ])("%j keeps the rest", async (patterns, expected) => {
    expect(await kept(...patterns)).toEqual(expected);
  });

  it("makes a directory that is left out only where an exception below it needs it", async () => {
    const { paths } = await copying(
      { src: "/src", dst: "/o", exclude: ["*", "!node_modules/keep"] },
      { builder },
    );
    expect(paths).toEqual(["o/", "o/node_modules/", "o/node_modules/keep/", "o/node_modules/keep/index.js"]);
  });

  it("does not put aside the content of what is left out", async () => {
    const big = [
      file("src/big", "x".repeat(100_000)),
      file("src/small", "y"),
      file("src/sub/big", "x".repeat(100_000)),
    ];
    expect(
      (await copying({ src: "/src", dst: "/o", exclude: ["**/big"] }, { builder: big })).stagedBytes,
    ).toBe(1);
    expect((await copying({ src: "/src/s*l", dst: "/o/" }, { builder: big })).stagedBytes).toBe(1);
    expect((await copying({ src: "/src", dst: "/o" }, { builder: big })).stagedBytes).toBe(200_001);
  });
});

describe("link mode", () => {
  it("does not look at the base: parents are new, symlinks of the base are replaced", async () => {
    const base = [dir("tmp", { mode: 0o1777, uid: 3 }), symlink("bin", "usr/bin")];
    const { files, headers } = await compose({
      builder: [tree],
      base: [base],
      steps: [
        { src: "/src", dst: "/tmp/x", link: true },
        { src: "/src", dst: "/bin", link: true },
      ],
    });
    expect(headers.tmp).toMatchObject({ mode: 0o755, uid: 0 });
    expect(files).toMatchObject({ bin: "directory", "bin/a": "a" });
  });
});

describe("several steps", () => {
  it("see what earlier ones have put there", async () => {
    const { files, headers } = await compose({
      builder: [[...tree, symlink("links/to", "/made"), file("one", "1")]],
      base: [[]],
      steps: [
        { src: "/src", dst: "/made", chown: "5" },
        { src: "/links", dst: "/" },
        { src: "/one", dst: "/to/new" },
        { src: "/one", dst: "/made", chown: "6" },
        { src: "/src/a", dst: "/made/one" },
      ],
    });
    expect(files).toMatchObject({ to: "-> /made", "made/new": "1", "made/one": "a" });
    expect(headers.made).toMatchObject({ uid: 5, mode: 0o755 });
  });

  it("do not link their copies of one file, nor of files linked in the source", async () => {
    const { files } = await compose({
      builder: [[file("s/f", "x"), hardlink("s/g", "s/f")]],
      steps: [
        { src: "/s", dst: "/one" },
        { src: "/s", dst: "/two" },
        { src: "/s/f", dst: "/three" },
      ],
    });
    expect(files).toMatchObject({
      "one/f": "x",
      "one/g": "= one/f",
      "two/f": "x",
      "two/g": "= two/f",
      three: "x",
    });
  });

  it("that need many more readings each need few together", async () => {
    const many = Array.from({ length: 100 }, (_, i) => i);
    const { files } = await compose({
      builder: [many.flatMap((i) => [symlink(`l${i}`, `real${i}`), file(`real${i}/f`, `${i}`)])],
      steps: many.map((i) => ({ src: `/l${i}`, dst: `/out${i}` })),
    });
    expect(files["out99/f"]).toBe("99");
  });
});

it("a destination named like a marker is refused: whoever unpacks the layer would delete a file of the base", async () => {
  const refusal = { code: "LAYER_INVALID", message: expect.stringContaining("/.wh.etc") };
  const builder = [[file("d/f")]];
  await expect(compose({ builder, steps: [{ src: "/d", dst: "/.wh.etc" }] })).rejects.toMatchObject(refusal);
});
