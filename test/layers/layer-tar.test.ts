import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { compose } from "./support/compose.ts";
import { dir, type EntrySpec, file, hardlink, opaque, symlink, whiteout } from "./support/entries.ts";

describe("the new layer's tar", () => {
  it("has its entries sorted bytewise, parents before children", async () => {
    const { paths } = await compose({
      builder: [
        [
          file("d/b/f"),
          file("d/b-x"),
          file("d/b.x"),
          file("d/é"),
          file("d/Z"),
          dir("d/a"),
          file("d/b0"),
          file("d/b/a/z"),
        ],
      ],
      steps: [{ src: "/d", dst: "/" }],
    });
    expect(paths).toEqual(["Z", "a/", "b-x", "b.x", "b/", "b/a/", "b/a/z", "b/f", "b0", "é"]);
  });

  it("has of linked files the first name as the file, wherever the source's tar had it", async () => {
    const { files } = await compose({
      builder: [
        [file("d/m", "x"), hardlink("d/z", "d/m"), hardlink("d/sub/a", "d/m"), hardlink("d/a", "d/m")],
      ],
      steps: [{ src: "/d", dst: "/o" }],
    });
    expect(files).toEqual({
      o: "directory",
      "o/a": "x",
      "o/m": "= o/a",
      "o/sub": "directory",
      "o/sub/a": "= o/a",
      "o/z": "= o/a",
    });
  });

  it("sets later times back to the epoch given, and leaves earlier ones as they are", async () => {
    const { headers } = await compose({
      builder: [
        [
          dir("d", { mtime: "2000.5" }),
          file("d/early", "1", { mtime: "999.25" }),
          file("d/even", "1", { mtime: "1000" }),
          file("d/just", "1", { mtime: "1000.000000001" }),
          file("d/late", "1", { mtime: "1731000000" }),
          hardlink("d/linked", "d/late"),
          file("d/old", "1", { mtime: "-5" }),
        ],
      ],
      steps: [{ src: "/d", dst: "/o" }],
      epoch: 1000,
    });
    expect(Object.values(headers).map(({ mtime }) => mtime)).toEqual([
      "1000",
      "999.25",
      "1000",
      "1000",
      "1000",
      "1000",
      "-5",
    ]);
  });

  it("is the same bytes as ever", async () => {
    const { tar } = await compose({
      builder: [
        [dir("d"), file("d/f", "hello\n", { mtime: "1.5" }), symlink("d/l", "f"), hardlink("d/h", "d/f")],
      ],
      base: [[dir("srv", { mode: 0o2775, gid: 33 })]],
      steps: [{ src: "/d", dst: "/srv/app", chown: "10:20" }],
    });
    expect(digestOf(tar)).toBe("sha256:42e90524a9a4641f4851e8c14702307c3d24e93daf767c7fc9de566215d94485");
  });

  it("goes deeper than a call stack would", async () => {
    const deep = "a/".repeat(1900);
    const { paths } = await compose({ builder: [[file(`d/${deep}f`)]], steps: [{ src: "/d", dst: "/" }] });
    expect(paths).toHaveLength(1901);
  });
});

/** A tree of files by path: text for a file, null for a directory, `->` for a symlink. */
type Tree = ReadonlyMap<string, EntrySpec>;

const name = fc.constantFrom("a", "b", "c", "d-1", "é");
const anyTree: fc.Arbitrary<Tree> = fc
  .array(
    fc.record({
      parts: fc.array(name, { minLength: 1, maxLength: 3 }),
      kind: fc.constantFrom("file", "file", "directory", "symlink"),
      content: fc.string({ maxLength: 6 }),
      mode: fc.constantFrom(0o644, 0o4755, 0o700),
      uid: fc.nat(3),
    }),
    { maxLength: 12 },
  )
  .map((items) => {
    const tree = new Map<string, EntrySpec>();
    for (const { parts, kind, content, mode, uid } of items) {
      const path = ["s", ...parts].join("/");
      const parents = parts.map((_, i) => ["s", ...parts.slice(0, i)].join("/"));
      const isBlocked = parents.some((parent) => (tree.get(parent)?.type ?? "directory") !== "directory");
      if (isBlocked || tree.has(path)) continue;
      for (const parent of parents)
        if (!tree.has(parent)) tree.set(parent, dir(parent, { uid, mode: 0o755 }));
      if (kind === "file") tree.set(path, file(path, content, { mode, uid }));
      else if (kind === "directory") tree.set(path, dir(path, { mode, uid }));
      else tree.set(path, symlink(path, content === "" ? "x" : content, { uid }));
    }
    return tree;
  });

/** Layers that add up to the tree: entries in some layer in any order that unpacks, with leftovers that later layers take away. */
const anySpread = (tree: Tree): fc.Arbitrary<EntrySpec[][]> =>
  fc
    .record({
      layers: fc.integer({ min: 1, max: 5 }),
      places: fc.array(fc.nat(), { minLength: tree.size, maxLength: tree.size }),
      leftovers: fc.array(fc.record({ place: fc.nat(), kind: fc.nat(3), at: fc.nat() }), { maxLength: 6 }),
    })
    .map(({ layers, places, leftovers }) => {
      const spread: EntrySpec[][] = Array.from({ length: layers + 1 }, () => []);
      const entries = [...tree.values()];
      const added = new Map<string, number>();
      for (const [i, entry] of entries.entries()) {
        const parent = entry.path.slice(0, Math.max(0, entry.path.lastIndexOf("/")));
        const earliest = Math.max(added.get(parent) ?? 1, 1);
        const place = earliest + ((places[i] ?? 0) % (layers + 1 - earliest));
        added.set(entry.path, place);
        spread[place]?.push(entry);
      }
      for (const { kind, at } of leftovers) {
        const entry = entries[at % Math.max(1, entries.length)];
        if (entry === undefined) continue;
        const place = added.get(entry.path) ?? 1;
        if (kind === 0) {
          spread[0]?.push(file(`${entry.path}-gone`, "leftover"));
          spread[place]?.unshift(whiteout(`${entry.path}-gone`));
        } else if (kind === 1 && entry.type === "directory") {
          spread[0]?.push(file(`${entry.path}/gone`, "leftover"));
          spread[place]?.push(opaque(entry.path));
        } else if (kind === 2 && entry.type !== "directory") {
          spread[0]?.push(file(`${entry.path}`, "replaced"));
        } else if (kind === 3 && entry.type !== "directory") {
          spread[0]?.push(file(`${entry.path}/below`, "replaced"));
        }
      }
      return spread;
    });

describe("however the builder's files are spread over layers", () => {
  it("the new layer has the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTree.chain((tree) =>
          fc.tuple(fc.constant(tree), anySpread(tree), anySpread(tree), fc.integer({ min: 1, max: 6 })),
        ),
        async ([tree, one, other, jobs]) => {
          const steps = [{ src: "/s", dst: "/out", exclude: ["**/d-1"] }];
          const root = dir("s");
          const whole = await compose({ builder: [[root, ...tree.values()]], steps });
          for (const layers of [one, other]) {
            const [lowest = [], ...upper] = layers;
            const spread = await compose({ builder: [[root, ...lowest], ...upper], steps, jobs });
            expect(spread.files).toEqual(whole.files);
            expect(spread.tar.equals(whole.tar)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
