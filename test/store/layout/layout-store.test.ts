import { chmod, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import { digestHex, digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { indexEntry } from "../../../src/store/layout/index-entry.ts";
import type { LayoutStore } from "../../../src/store/layout/layout-store.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { run } from "../../support/command.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { blob, indexOf, pushTinyImage, tinyImage } from "./tiny-image.ts";

async function newLayout(): Promise<LayoutStore> {
  return openLayout(await temporaryDirectory("layout"), { create: true }, unstoppable);
}

async function indexJson(layout: LayoutStore): Promise<{ manifests: unknown[] } & Record<string, unknown>> {
  return JSON.parse(await readFile(join(layout.directory, "index.json"), "utf8"));
}

async function openFiles(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

describe("opening a layout", () => {
  it("makes an empty one where there is none", async () => {
    const directory = join(await temporaryDirectory("layout"), "deep", "down");
    await openLayout(directory, { create: true }, unstoppable);
    expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(JSON.parse(await readFile(join(directory, "oci-layout"), "utf8"))).toEqual({
      imageLayoutVersion: "1.0.0",
    });
  });

  it("makes one layout when several ask at once", async () => {
    const directory = join(await temporaryDirectory("layout"), "app");
    const open = () => openLayout(directory, { create: true }, unstoppable);
    await Promise.all([open(), open(), open(), open()]);
    expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  it("does not turn a directory with other files into a layout", async () => {
    const directory = await temporaryDirectory("layout");
    await writeFile(join(directory, "notes.txt"), "mine");
    await expect(openLayout(directory, { create: true }, unstoppable)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
      message: expect.stringContaining("notes.txt"),
    });
    expect(await readdir(directory)).toEqual(["notes.txt"]);
  });

  it.each(["", "nowhere"])("fails with a hint where there is none (%s)", async (name) => {
    const directory = join(await temporaryDirectory("layout"), name);
    await expect(openLayout(directory, {}, unstoppable)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
      hint: expect.stringContaining("skopeo"),
    });
  });

  it.each([
    ["not JSON", "{"],
    ["a list", "[]"],
    ["without manifests", '{"schemaVersion":2}'],
    ["with a malformed descriptor", '{"manifests":[{"mediaType":"a/b","digest":"sha256:x","size":1}]}'],
  ])("fails when index.json is %s", async (_, text) => {
    const layout = await newLayout();
    await writeFile(join(layout.directory, "index.json"), text);
    await expect(openLayout(layout.directory, {}, unstoppable)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
      message: expect.stringContaining("index.json"),
    });
  });

  it("fails when index.json is missing, and for a layout version to come", async () => {
    const layout = await newLayout();
    await rm(join(layout.directory, "index.json"));
    await expect(openLayout(layout.directory, {}, unstoppable)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
    });
    await writeFile(join(layout.directory, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}');
    await expect(openLayout(layout.directory, {}, unstoppable)).rejects.toMatchObject({
      message: expect.stringContaining("2.0.0"),
    });
  });

  it("says what cannot be written", async () => {
    const file = join(await temporaryDirectory("layout"), "file");
    await writeFile(file, "");
    await expect(openLayout(join(file, "app"), { create: true }, unstoppable)).rejects.toMatchObject({
      code: "LOCAL_IO",
      message: expect.stringContaining(file),
    });
  });

  it("says so where it may not write", async () => {
    const directory = await temporaryDirectory("layout");
    await chmod(directory, 0o555);
    const isRoot = process.geteuid?.() === 0;
    // root may write anywhere: for this, be somebody else
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(openLayout(directory, { create: true }, unstoppable)).rejects.toMatchObject({
        code: "LOCAL_IO",
        message: expect.stringContaining("permission denied"),
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe.skipIf(process.platform === "win32")(
  "a layout with something else in place of its documents",
  () => {
    it.each(["oci-layout", "index.json"])(
      "is refused when %s is a FIFO or an endless device",
      async (name) => {
        const { directory } = await newLayout();
        const path = join(directory, name);
        await rm(path);
        await run("mkfifo", [path]);
        const refusal = { code: "LAYOUT_INVALID", message: expect.stringContaining("not a regular file") };
        await expect(openLayout(directory, {}, unstoppable)).rejects.toMatchObject(refusal);
        await rm(path);
        await symlink("/dev/zero", path);
        await expect(openLayout(directory, {}, unstoppable)).rejects.toMatchObject(refusal);
      },
    );

    it.each(["oci-layout", "index.json"])("is refused when %s is absurdly large", async (name) => {
      const { directory } = await newLayout();
      await truncate(join(directory, name), 2 ** 32);
      await expect(openLayout(directory, {}, unstoppable)).rejects.toMatchObject({
        code: expect.stringMatching(/^(LIMIT_EXCEEDED|LAYOUT_INVALID)$/),
        message: expect.stringContaining("larger than"),
      });
    });
  },
);

describe("the image that a layout without a tag means", () => {
  it("is the only one, however many tags it has", async () => {
    const layout = await newLayout();
    const { manifest } = await tinyImage("one");
    await layout.tag(manifest, "1", unstoppable);
    await layout.tag(manifest, "1.0", unstoppable);
    expect((await layout.soleImage(unstoppable)).digest).toBe(manifest.descriptor.digest);
  });

  it("is one that another tool listed without a tag", async () => {
    const layout = await newLayout();
    const { manifest } = await tinyImage("one");
    await layout.index.update((entries) => [...entries, indexEntry(manifest.descriptor)], unstoppable);
    expect(await layout.soleImage(unstoppable)).toEqual(manifest.descriptor);
  });

  it("is not known among several, whose tags are listed", async () => {
    const layout = await newLayout();
    await layout.tag((await tinyImage("one")).manifest, "v1", unstoppable);
    await layout.tag((await tinyImage("two")).manifest, "v2", unstoppable);
    await expect(layout.soleImage(unstoppable)).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      hint: expect.stringContaining("v1, v2"),
    });
  });

  it("is not there in an empty layout", async () => {
    const layout = await newLayout();
    await expect(layout.soleImage(unstoppable)).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
  });
});

describe("a layout's manifests", () => {
  it("are found as children of an index, by digest", async () => {
    const layout = await newLayout();
    const image = await tinyImage("one");
    await pushTinyImage(layout, image);
    await layout.tag(indexOf(image.manifest), "multi", unstoppable);
    const { digest } = image.manifest.descriptor;
    expect(await layout.resolve({ digest }, unstoppable)).toEqual(image.manifest.descriptor);
    expect((await indexJson(layout)).manifests).toHaveLength(1);
  });

  it("are refused above 4 MiB, read or written", async () => {
    const layout = await newLayout();
    const large = blob(mediaTypes.oci.manifest, Buffer.alloc(4 * 1024 * 1024 + 1, " "));
    const limit = { code: "LIMIT_EXCEEDED" };
    await expect(layout.pushManifest(large, unstoppable)).rejects.toMatchObject(limit);
    const { digest } = large.descriptor;
    await mkdir(join(layout.directory, "blobs", "sha256"), { recursive: true });
    await writeFile(layout.blobs.path(digest), large.bytes);
    await expect(layout.manifest({ digest }, unstoppable)).rejects.toMatchObject(limit);
  });

  it("are refused when their bytes were altered", async () => {
    const layout = await newLayout();
    const { manifest } = await tinyImage("one");
    await layout.tag(manifest, "latest", unstoppable);
    const altered = Buffer.from(manifest.bytes);
    altered[altered.length - 2] = 0x20;
    await writeFile(layout.blobs.path(manifest.descriptor.digest), altered);
    await expect(layout.manifest({ tag: "latest" }, unstoppable)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
  });

  it("are not chosen among when one tag names two", async () => {
    const layout = await newLayout();
    await layout.tag((await tinyImage("one")).manifest, "v1", unstoppable);
    await layout.tag((await tinyImage("two")).manifest, "v2", unstoppable);
    const path = join(layout.directory, "index.json");
    await writeFile(path, (await readFile(path, "utf8")).replace('"v2"', '"v1"'));
    await expect(layout.resolve({ tag: "v1" }, unstoppable)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
    });
  });
});

describe("index.json", () => {
  it("keeps what other tools wrote into it", async () => {
    const layout = await newLayout();
    const theirs = {
      mediaType: mediaTypes.oci.manifest,
      digest: digestOf(Buffer.from("x")),
      size: 1,
      annotations: { "org.opencontainers.image.ref.name": "theirs", "vnd.example": "kept" },
      "x-unknown": [1, 2],
    };
    const path = join(layout.directory, "index.json");
    await writeFile(path, JSON.stringify({ schemaVersion: 2, manifests: [theirs], annotations: { a: "b" } }));
    await layout.tag((await tinyImage("one")).manifest, "ours", unstoppable);
    const document = await indexJson(layout);
    expect(document.manifests[0]).toEqual(theirs);
    expect(document).toMatchObject({ schemaVersion: 2, annotations: { a: "b" } });
    expect(await layout.tags(unstoppable)).toEqual(["theirs", "ours"]);
  });

  it("is the same bytes for the same images", async () => {
    const [one, two] = [await newLayout(), await newLayout()];
    for (const layout of [one, two]) await layout.tag((await tinyImage("one")).manifest, "v1", unstoppable);
    expect(await indexJson(one)).toEqual(await indexJson(two));
    expect(digestHex(digestOf(await readFile(join(one.directory, "index.json"))))).toBe(
      digestHex(digestOf(await readFile(join(two.directory, "index.json")))),
    );
  });

  it("is read again when another process changed it, and not otherwise", async () => {
    const layout = await newLayout();
    const before = await layout.index.read(unstoppable);
    expect(await layout.index.read(unstoppable)).toBe(before);
    const other = await openLayout(layout.directory, {}, unstoppable);
    await other.tag((await tinyImage("one")).manifest, "v1", unstoppable);
    expect(await layout.tags(unstoppable)).toEqual(["v1"]);
  });

  it("is waited for while another tool is overwriting it", async () => {
    const layout = await newLayout();
    const path = join(layout.directory, "index.json");
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, 20));
    const reading = layout.index.read(unstoppable);
    await writeFile(path, whole);
    expect((await reading).entries).toEqual([]);
  });
});

describe("a layout's files", () => {
  it("are nothing but blobs after pushes that failed", async () => {
    const layout = await newLayout();
    const { layer, config } = await tinyImage("one");
    const wrong = async () => contentOf(config.bytes);
    await expect(layout.push(layer.descriptor, wrong, unstoppable)).rejects.toThrow(layer.descriptor.digest);
    const broken = async () => brokenOff(layer.bytes.subarray(0, 20));
    await expect(layout.push(layer.descriptor, broken, unstoppable)).rejects.toThrow("broken off");
    expect((await readdir(layout.directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(await readdir(join(layout.directory, "blobs"))).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("are closed when a reader leaves early (needs linux)", async () => {
    const layout = await newLayout();
    const large = blob(mediaTypes.oci.layer, Buffer.alloc(3 * 1024 * 1024, 1));
    await layout.push(large.descriptor, async () => contentOf(large.bytes), unstoppable);
    const before = await openFiles();
    for (let i = 0; i < 20; i += 1) {
      for await (const _ of await layout.fetch(large.descriptor, unstoppable)) break;
      await layout.fetch(large.descriptor, unstoppable);
    }
    expect(await openFiles()).toBe(before);
  });

  it("are replaced when a blob has the wrong size", async () => {
    const layout = await newLayout();
    const { layer } = await tinyImage("one");
    await mkdir(join(layout.directory, "blobs", "sha256"), { recursive: true });
    await writeFile(layout.blobs.path(layer.descriptor.digest), "cut off");
    expect(await layout.exists(layer.descriptor, unstoppable)).toBe(false);
    await layout.push(layer.descriptor, async () => contentOf(layer.bytes), unstoppable);
    const content = await layout.fetch(layer.descriptor, unstoppable);
    expect(await collect(content, 1_000_000, "layer")).toEqual(layer.bytes);
  });

  it("may be symlinks, unless they are handed out unchecked", async () => {
    const layout = await newLayout();
    const { layer } = await tinyImage("one");
    await layout.push(layer.descriptor, async () => contentOf(layer.bytes), unstoppable);
    const path = layout.blobs.path(layer.descriptor.digest);
    const elsewhere = join(await temporaryDirectory("elsewhere"), "layer");
    await writeFile(elsewhere, layer.bytes);
    await rm(path);
    await symlink(elsewhere, path);
    expect(await layout.exists(layer.descriptor, unstoppable)).toBe(true);
    const strict = await openLayout(layout.directory, { followSymlinks: false }, unstoppable);
    expect(await strict.exists(layer.descriptor, unstoppable)).toBe(false);
  });

  it("go under their algorithm, sha512 too", async () => {
    const layout = await newLayout();
    const bytes = Buffer.from("long");
    const digest = digestOf(bytes, "sha512");
    const descriptor = { mediaType: mediaTypes.oci.layer, digest, size: bytes.byteLength };
    await layout.push(descriptor, async () => contentOf(bytes), unstoppable);
    expect(await readdir(join(layout.directory, "blobs", "sha512"))).toEqual([digestHex(digest)]);
  });
});

async function* contentOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* brokenOff(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error("broken off");
}
