import { beforeAll, expect, test } from "vitest";
import { type DebianImages, debianImages, debianNeeds } from "../support/debian-images.ts";
import { describeWith } from "../support/tools.ts";
import { readTree, type Tree } from "../support/tree.ts";
import { layoutLayers, unpack } from "../support/unpack.ts";

describeWith([...debianNeeds, "skopeo", "umoci", "getfattr"], "the Debian images", () => {
  let images: DebianImages;
  let builder: Tree;
  let base: Tree;

  beforeAll(async () => {
    images = await debianImages();
    builder = await readTree(await unpack(images.builder));
    base = await readTree(await unpack(images.base));
  });
  const source = "opt/app-root/src";
  const inSource = (path: string) => builder.get(`${source}/${path}`);

  test("are a builder of at least five layers and a base that shares none of them", async () => {
    const layers = await layoutLayers(images.layout, "builder");
    expect(layers.length).toBeGreaterThanOrEqual(5);
    const baseLayers = await layoutLayers(images.layout, "base");
    expect(baseLayers.length).toBeGreaterThanOrEqual(2);
    expect(layers.filter((digest) => baseLayers.includes(digest))).toEqual([]);
  });

  test("hold thousands of Debian's and npm's files", () => {
    expect(builder.size).toBeGreaterThan(5000);
    expect(base.size).toBeGreaterThan(2000);
    expect(inSource("node_modules/undici/package.json")?.type).toBe("file");
    expect(builder.get("usr/bin/python3.11")?.type).toBe("file");
  });

  test("have a top layer in the builder that deleted and replaced", () => {
    expect(inSource("cache")).toBeUndefined();
    expect(inSource("node_modules/fast-check")).toBeUndefined();
    expect(inSource("becomes-file")?.type).toBe("file");
    expect(inSource("becomes-directory")?.type).toBe("directory");
    expect(inSource("becomes-link")?.type).toBe("symlink");
    expect(inSource("again/old")).toBeUndefined();
    expect(inSource("again/new")?.type).toBe("file");
  });

  test("keep attributes, links, modes, owners and odd names in the builder", () => {
    expect(inSource("attributes/capable")?.xattrs.get("security.capability")).toMatch(/^01000002/);
    expect(inSource("attributes/tagged")?.xattrs.get("user.comment")).toBe("00ff0a41");
    expect(inSource("links/first")?.hardlinks).toEqual([
      `${source}/links/deep/third`,
      `${source}/links/first`,
    ]);
    expect(inSource("bin/hello")?.hardlinks).toContain("usr/local/bin/hello");
    expect(inSource("modes/file-6755")?.mode).toBe(0o6755);
    expect(inSource("owners/3000000-2500000")).toMatchObject({ uid: 3_000_000n, gid: 2_500_000n });
    expect(inSource("names/caf\xe9")?.type).toBe("file");
    expect(inSource("specials/disk")).toMatchObject({ type: "block device", device: "253:300" });
    expect(inSource("times/before-the-epoch")?.mtime).toBeLessThan(0n);
  });

  test("have a base with a merged /usr, a sticky /tmp, links and accounts", () => {
    expect(base.get("bin")?.linkTarget).toBe("usr/bin");
    expect(base.get("tmp")?.mode).toBe(0o1777);
    expect(base.get("var/run")?.linkTarget).toBe("/run");
    expect(base.get("etc/passwd")?.type).toBe("file");
    expect(base.get("opt/app-root")).toMatchObject({ mode: 0o2775, uid: 1001n, gid: 0n });
  });
});
