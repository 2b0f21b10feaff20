import { expect, test } from "vitest";
import {
  type Attributes,
  directoryNode,
  type FileNode,
  impliedAttributes,
  impliedDirectory,
} from "../../src/layers/file-node.ts";
import { outlineOf, treeOfOutline } from "../../src/layers/layer-outline.ts";
import type { ByteString } from "../../src/tar/byte-string.ts";

const directory = (children: Readonly<Record<string, FileNode>>, attributes: Partial<Attributes> = {}) =>
  directoryNode(
    { ...impliedAttributes, ...attributes },
    "0",
    undefined,
    new Map(Object.entries(children).map(([name, node]) => [name as ByteString, node])),
  );
const file: FileNode = {
  attributes: { ...impliedAttributes, type: "file" },
  mtime: "0",
  size: 0,
  origin: undefined,
  offset: 0,
};
const shared = (...paths: string[]) => {
  const known = new Set(paths);
  return (path: string) => known.has(path);
};

test("an outline lists what is in shared directories, sorted, and closes all others that hold something", () => {
  const root = directory({
    srv: directory({ b: directory({ deep: file }), a: file, empty: directory({}) }, { mode: 0o2775, gid: 5 }),
  });
  const outline = outlineOf(root, shared("srv"));
  expect(outline?.map(({ path, type, mode, gid, isClosed }) => [path, type, mode, gid, isClosed])).toEqual([
    ["/srv", "directory", 0o2775, 5, false],
    ["/srv/a", "file", 0o755, 0, false],
    ["/srv/b", "directory", 0o755, 0, true],
    ["/srv/empty", "directory", 0o755, 0, false],
  ]);
  const tree = treeOfOutline(outline ?? []);
  const srv = tree?.root.children?.get("srv" as ByteString);
  expect([...(srv?.children?.keys() ?? [])]).toEqual(["a", "b", "empty"]);
  expect([...(tree?.closed ?? [])]).toEqual([srv?.children?.get("b" as ByteString)]);
});

test("there is no outline of what cannot be told in text, or is long", () => {
  const xattrs = new Map([["user.a" as ByteString, "1" as ByteString]]);
  expect(outlineOf(directory({ srv: directory({}, { xattrs }) }), shared())).toBeUndefined();
  expect(outlineOf(directory({ "\xff": file }), shared())).toBeUndefined();
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`f${i}`, file]));
  expect(outlineOf(directory(many), shared())).toBeUndefined();
  expect(outlineOf(directory({ srv: directory(many) }), shared())).toHaveLength(1);
  expect(outlineOf(impliedDirectory(), shared())).toEqual([]);
});

test("an outline whose entries have no directory to be in is none", () => {
  const entry = { type: "file", mode: 0, uid: 0, gid: 0, isClosed: false } as const;
  const closed = { ...entry, type: "directory", path: "/a", isClosed: true } as const;
  for (const outline of [
    [{ ...entry, path: "/a/b" }],
    [closed, { ...entry, path: "/a/b" }],
    [closed, closed],
    [
      { ...entry, path: "/a" },
      { ...entry, path: "/a/b" },
    ],
  ]) {
    expect(treeOfOutline(outline)).toBeUndefined();
  }
});
