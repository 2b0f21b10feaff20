import { expect, test } from "vitest";
import { describeDifference, differenceDocument } from "../../src/cli/image-difference.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { parseLocation } from "../../src/model/location.ts";
import { type DiffOptions, diffImages, isEqual } from "../../src/ops/diff-images.ts";
import { dir, type EntrySpec, file, hardlink, symlink, whiteout } from "../layers/support/entries.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { type ImageSpec, putImage } from "./support/images.ts";

const common: readonly EntrySpec[] = [dir("etc"), file("etc/kept", "kept"), file("etc/gone", "gone")];

async function diffOf(before: ImageSpec, after: ImageSpec, options: DiffOptions = {}) {
  const directory = await temporaryDirectory("diff");
  await putImage(directory, "before", before);
  await putImage(directory, "after", after);
  return diffImages(
    parseLocation(`oci:${directory}:before`),
    parseLocation(`oci:${directory}:after`),
    options,
  );
}

/** The files that differ, one word each. */
async function changesOf(
  before: readonly EntrySpec[],
  after: readonly EntrySpec[],
  options: DiffOptions = {},
) {
  const { files } = await diffOf({ layers: [before] }, { layers: [after] }, options);
  return files.map(
    (each) => `${each.change} ${each.path}${each.change === "changed" ? `: ${each.aspects}` : ""}`,
  );
}

test("files are added, removed and changed as a container would see it, layers applied", async () => {
  const { files, layers } = await diffOf(
    { layers: [common, [file("etc/size", "1"), file("etc/same", "same")]] },
    {
      layers: [
        common,
        [file("etc/size", "22"), whiteout("etc/gone")],
        [file("etc/same", "same"), dir("app"), file("app/new", "new")],
      ],
    },
  );
  expect(layers).toMatchObject({ common: 1, removed: [{}], added: [{}, {}] });
  expect(files.map(({ change, path }) => [change, path])).toEqual([
    ["added", "app"],
    ["added", "app/new"],
    ["removed", "etc/gone"],
    ["changed", "etc/size"],
  ]);
});

test.each<[string, EntrySpec, EntrySpec, string[]]>([
  ["a content of the same size", file("f", "one"), file("f", "two"), ["changed f: content"]],
  ["a content of another size", file("f", "one"), file("f", "three"), ["changed f: content,size"]],
  ["a mode", file("f", "1"), file("f", "1", { mode: 0o755 }), ["changed f: mode"]],
  ["an owner", dir("d"), dir("d", { gid: 7 }), ["changed d: owner"]],
  ["a symlink's target", symlink("l", "a"), symlink("l", "b"), ["changed l: target"]],
  ["a type", file("f", ""), symlink("f", "a"), ["changed f: type,mode"]],
  ["an attribute", file("f", "1"), file("f", "1", { xattrs: { "user.a": "1" } }), ["changed f: xattrs"]],
  ["a time", file("f", "1"), file("f", "1", { mtime: "1000.5" }), ["changed f: time"]],
  ["nothing", file("f", "1"), file("f", "1"), []],
])("what differs is named: %s", async (_, before, after, expected) => {
  expect(await changesOf([before], [after, file("other", "")])).toEqual([...expected, "added other"]);
});

test("without times, files that differ in nothing else are equal", async () => {
  const options = { times: false };
  expect(await changesOf([file("f", "1")], [file("f", "1", { mtime: "5" })], options)).toEqual([]);
});

test("a directory that becomes a file takes what was in it along", async () => {
  const before = [dir("d"), file("d/a", ""), file("x", "1"), hardlink("y", "x")];
  expect(await changesOf(before, [file("d", ""), file("x", "1"), file("y", "1")])).toEqual([
    "changed d: type,mode",
    "removed d/a",
  ]);
});

test("images with the same layers are compared without reading one", async () => {
  const events: TransferEvent[] = [];
  const image = { layers: [common], execution: { Env: ["A=1"] } };
  const result = await diffOf(
    { ...image, layerChanges: { 0: { urls: ["http://127.0.0.1:1/never-asked"] } } },
    { ...image, layerChanges: { 0: { urls: ["http://127.0.0.1:1/never-asked"] } } },
    { onTransfer: (event) => events.push(event) },
  );
  expect(isEqual(result)).toBe(true);
  expect(describeDifference(result)).toBe("");
  expect(events).toEqual([]);
});

test("configurations are compared value by value", async () => {
  const difference = await diffOf(
    {
      layers: [common],
      execution: { Env: ["A=1", "B=2", "C=\u001b[2J"], Labels: { x: "1" }, Cmd: ["sh"], User: "root" },
      config: { created: "2026-01-01T00:00:00Z" },
    },
    {
      layers: [common],
      execution: { Env: ["B=2", "A=9"], Labels: { x: "1", y: "2" }, Cmd: ["sh"], Entrypoint: ["/bin/app"] },
      config: { created: "2026-02-02T00:00:00Z" },
    },
  );
  expect(difference.config).toEqual([
    { field: "created", before: "2026-01-01T00:00:00Z", after: "2026-02-02T00:00:00Z" },
    { field: "Entrypoint", after: ["/bin/app"] },
    { field: "User", before: "root" },
    { field: "Env", key: "A", before: "1", after: "9" },
    { field: "Env", key: "C", before: "\u001b[2J" },
    { field: "Labels", key: "y", after: "2" },
  ]);
  const text = describeDifference(difference);
  expect(text).toContain("- Env A=1\n+ Env A=9\n");
  expect(text).toContain("- Env C=\\x1b[2J\n");
  expect(text).toContain('+ Entrypoint=["/bin/app"]\n');
});

test("the report has both images, their layers, each file and a sum; the document says the same", async () => {
  const difference = await diffOf(
    { layers: [common, [file("f", "12345"), dir("d")]] },
    { layers: [common, [file("f", "123"), dir("d", { mode: 0o700 }), file("g", "1")]] },
  );
  const text = describeDifference(difference);
  expect(text).toMatch(/^--- oci:\S+:before {2}sha256:\S+ {2}linux\/amd64 {2}\d+ B$/m);
  expect(text).toContain("  1 layer in common\n- layer sha256:");
  expect(text).toContain("~ /d/  mode 0755 -> 0700\n~ /f  content, size 5 B -> 3 B\n+ /g  1 B\n");
  expect(text).toMatch(/1 added, 0 removed, 2 changed; -1 B\n$/);
  expect(differenceDocument(difference)).toMatchObject({
    equal: false,
    before: { reference: expect.stringMatching(/:before$/), platform: "linux/amd64" },
    layers: { common: 1, removed: [{ size: expect.any(Number) }], added: [{}] },
    files: [
      { change: "changed", path: "/d", aspects: ["mode"], before: { mode: "0755" }, after: { mode: "0700" } },
      { change: "changed", path: "/f", aspects: ["content", "size"] },
      { change: "added", path: "/g", after: { type: "file", size: 1 } },
    ],
  });
});
