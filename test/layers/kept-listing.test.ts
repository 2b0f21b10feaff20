import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { MemoryBudget } from "../../src/io/memory-budget.ts";
import { Spool } from "../../src/io/spool.ts";
import { ImageView } from "../../src/layers/image-view.ts";
import { Interest } from "../../src/layers/interest.ts";
import { KeptListing, listingName } from "../../src/layers/kept-listing.ts";
import type { LayerBlob } from "../../src/layers/layer-blob.ts";
import { LayerReader } from "../../src/layers/layer-reader.ts";
import { StagedBodies } from "../../src/layers/staged-bodies.ts";
import { digestOf } from "../../src/model/digest.ts";
import { FileCache } from "../../src/store/cache/file-cache.ts";
import { bytesOfText } from "../../src/tar/byte-string.ts";
import { readTar } from "../../src/tar/reader.ts";
import { gather, inChunks } from "../codec/chunking.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { bytes } from "../tar/craft.ts";
import { anyEntry, type Entry, header, write } from "../tar/entries.ts";
import { dir, type EntrySpec, file, symlink } from "./support/entries.ts";
import { layerOf, type TestLayer } from "./support/layer.ts";

let directory: string;
let notes: string[];

beforeEach(async () => {
  directory = await temporaryDirectory("listings");
  notes = [];
});

function listingOf(layer: Pick<LayerBlob, "descriptor">): KeptListing {
  return new KeptListing(new FileCache(directory), layer.descriptor.digest, (message) => notes.push(message));
}

/** What a reading of the tar tells, and what a listing made of it tells afterwards. */
async function roundTrip(entries: readonly Entry[]): Promise<{ told: unknown[]; kept: unknown[] }> {
  const tar = write(entries);
  const listing = listingOf({ descriptor: { mediaType: "x", digest: digestOf(tar), size: tar.byteLength } });
  const told: unknown[] = [];
  const recorder = listing.record();
  for await (const member of readTar(inChunks(tar, 4096), "a layer")) {
    const content = recorder.holdsContent(member) ? await gather(member.body()) : undefined;
    await recorder.add(member, content);
    told.push({ header: member.header, offset: member.offset, content });
  }
  await recorder.keep();
  const kept: unknown[] = [];
  for await (const member of (await listing.members(unstoppable)) ?? []) kept.push(member);
  return { told, kept };
}

/** Asks a view of layers whether there is a file; gives its owner. */
async function ownerOf(layers: readonly LayerBlob[], path: string): Promise<number | undefined> {
  await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
  const view = new ImageView("an image", layers, new Interest([], [bytesOfText(path)]), {
    wantsBody: () => false,
    onWarning: () => {},
  });
  const find = () => view.tree().walk(bytesOfText(path), true, "an image").node;
  return (await new LayerReader(spool, 2).ask([view], find, unstoppable))?.attributes.uid;
}

/** The layer as another run meets it. */
function met(layer: TestLayer): LayerBlob {
  return { ...layer, bodies: new StagedBodies(), listing: listingOf(layer) };
}

const entries: readonly EntrySpec[] = [dir("srv", { uid: 7 }), file("srv/f", "x".repeat(5000), { uid: 8 })];
const entryPath = (layer: TestLayer): string => join(directory, listingName(layer.descriptor.digest));

describe("a listing", () => {
  it("tells the very members that the layer's tar tells", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEntry, { maxLength: 12 }), async (made) => {
        const { told, kept } = await roundTrip(made);
        expect(told).toHaveLength(made.length);
        expect(kept).toEqual(told);
      }),
      { numRuns: 60 },
    );
  });

  it("tells names that are not UTF-8, attributes with NULs, fractions of seconds and large ids", async () => {
    const odd = header({
      path: bytes("caf\xe9\n/\x01\xff"),
      uid: 2 ** 32 - 1,
      gid: 2 ** 31 + 1,
      mtime: "-1.000000001",
      xattrs: new Map([[bytes("security.capability"), bytes("\0\x01\0\xff")]]),
    });
    const { told, kept } = await roundTrip([{ header: odd, content: Buffer.alloc(0) }]);
    expect(kept).toEqual(told);
    expect(kept).toEqual([{ header: odd, offset: 0, content: undefined }]);
  });

  it("holds the content of account files, however they are written, and of nothing else", async () => {
    const content = Buffer.from("root:x:0:0");
    const paths = ["etc/passwd", "./etc/group", "/etc/passwd", "etc/passwd-", "usr/etc/passwd", "etc/shadow"];
    const { kept } = await roundTrip(
      paths.map((path) => ({ header: header({ path: bytes(path), size: content.byteLength }), content })),
    );
    expect(kept).toMatchObject([{ content }, { content }, { content }, {}, {}, {}]);
    expect(kept.slice(3).every((member) => (member as { content: unknown }).content === undefined)).toBe(
      true,
    );
  });

  it("of a layer with very many members is told over many blocks", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      header: header({ path: bytes(`usr/share/${i}/x${"x".repeat(i % 90)}`) }),
      content: Buffer.alloc(0),
    }));
    const { told, kept } = await roundTrip(many);
    expect(kept).toEqual(told);
  });

  it("of an empty layer is one, too", async () => {
    expect(await roundTrip([])).toEqual({ told: [], kept: [] });
    expect(await readdir(directory)).toHaveLength(1);
  });

  it("is not kept of a layer with attributes beyond all measure", async () => {
    const huge = header({ xattrs: new Map([[bytes("user.x"), bytes("\0".repeat(1_000_000))]]) });
    expect((await roundTrip([{ header: huge, content: Buffer.alloc(0) }])).kept).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("a layer whose listing is kept", () => {
  it("is not opened again, whatever is asked", async () => {
    const layer = layerOf([...entries, symlink("var", "srv")]);
    expect(await ownerOf([met(layer)], "srv")).toBe(7);
    expect(layer.opened.times).toBe(1);
    expect(await ownerOf([met(layer)], "var/f")).toBe(8);
    expect(layer.opened.times).toBe(1);
    expect(notes).toContain(`not reading layer ${layer.descriptor.digest}: what it holds is known`);
  });

  it("is not opened for the second reading of the very run that kept it", async () => {
    const layer = layerOf([symlink("a", "srv"), ...entries]);
    expect(await ownerOf([met(layer)], "a/f")).toBe(8);
    expect(layer.opened.times).toBe(1);
  });

  it("is opened for content that the listing does not hold", async () => {
    const layer = layerOf([...entries, file("etc/passwd", "known")]);
    await ownerOf([met(layer)], "srv");
    await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
    const reader = new LayerReader(spool, 1);
    for (const [path, content, opened] of [
      ["etc/passwd", "known", 1],
      ["srv/f", "x".repeat(5000), 2],
    ] as const) {
      const blob = met(layer);
      const view = new ImageView("an image", [blob], new Interest([], [bytesOfText(path)]), {
        wantsBody: () => true,
        onWarning: () => {},
      });
      const find = () => view.tree().walk(bytesOfText(path), true, "an image").node;
      const node = await reader.ask([view], find, unstoppable);
      if (node !== undefined) await reader.stage([node], unstoppable);
      const extent = blob.bodies.get(node?.offset ?? -1);
      expect(extent && (await gather(spool.read(extent))).toString()).toBe(content);
      expect(layer.opened.times).toBe(opened);
    }
  });

  it("is read, and the listing made again, when a byte of the listing is another", async () => {
    const layer = layerOf(entries);
    await ownerOf([met(layer)], "srv");
    const sound = await readFile(entryPath(layer));
    const positions = Array.from({ length: Math.ceil(sound.byteLength / 5) }, (_, i) => i * 5);
    for (const position of positions) {
      const damaged = Buffer.from(sound);
      damaged[position] = (damaged[position] ?? 0) ^ 0x41;
      await writeFile(entryPath(layer), damaged);
      expect(await ownerOf([met(layer)], "srv/f"), `byte ${position}`).toBe(8);
      const now = await readFile(entryPath(layer));
      // A frame header may say the same in other words; whatever is still there must be sound.
      expect(now.equals(sound) || now.equals(damaged), `byte ${position}`).toBe(true);
    }
    expect(layer.opened.times).toBeGreaterThan(positions.length * 0.9);
  });

  it("is read, and the listing made again, when the listing is cut anywhere, or goes on", async () => {
    const layer = layerOf(entries);
    await ownerOf([met(layer)], "srv");
    const sound = await readFile(entryPath(layer));
    const lengths = [0, 1, 3, 4, 9, sound.byteLength >> 1, sound.byteLength - 40, sound.byteLength - 1];
    const cuts = lengths.map((length) => sound.subarray(0, length));
    for (const [i, damaged] of [...cuts, Buffer.concat([sound, sound])].entries()) {
      await writeFile(entryPath(layer), damaged);
      expect(await ownerOf([met(layer)], "srv"), `${damaged.byteLength} bytes`).toBe(7);
      expect(layer.opened.times).toBe(i + 2);
      expect(await readFile(entryPath(layer))).toEqual(sound);
    }
    expect(notes.at(-1)).toContain("damaged");
  });

  it("is read when the listing is another layer's, or none at all", async () => {
    const [layer, other] = [layerOf(entries), layerOf([dir("srv", { uid: 66 })])];
    await ownerOf([met(other)], "srv");
    await rename(entryPath(other), entryPath(layer));
    expect(await ownerOf([met(layer)], "srv")).toBe(7);
    await writeFile(entryPath(layer), '[0,"d","srv",493,66,0,0,"0"]\n');
    expect(await ownerOf([met(layer)], "srv")).toBe(7);
    expect(layer.opened.times).toBe(2);
    expect(await ownerOf([met(layer)], "srv")).toBe(7);
    expect(layer.opened.times).toBe(2);
  });
});

describe("nothing is kept", () => {
  it("of a layer that is damaged on the way", async () => {
    const planted = layerOf([dir("srv", { uid: 66 })]);
    const bad = await gather(await planted.open(unstoppable));
    const layer = layerOf(entries, { served: () => inChunks(bad) });
    await expect(ownerOf([met(layer)], "srv")).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    expect(await readdir(directory)).toEqual([]);
  });

  it("of the damaged reading when the next one is sound", async () => {
    const bad = await gather(await layerOf([dir("srv", { uid: 66 })]).open(unstoppable));
    const layer = layerOf(entries, { served: (all, time) => inChunks(time === 0 ? bad : all) });
    expect(await ownerOf([met(layer)], "srv")).toBe(7);
    expect(await ownerOf([met(layer)], "srv")).toBe(7);
    expect(layer.opened.times).toBe(2);
  });

  it("of a layer that makes no sense", async () => {
    const layer = layerOf([...entries, file("srv/.wh.", "")]);
    for (const _ of [1, 2]) {
      await expect(ownerOf([met(layer)], "srv")).rejects.toMatchObject({ code: "LAYER_INVALID" });
      expect(await readdir(directory)).toEqual([]);
    }
  });

  it("of a reading that is stopped, or turns out to be damaged, when a part is written already", async () => {
    const many = Array.from({ length: 8000 }, (_, i) => file(`srv/${i}/${"x".repeat(60)}`, ""));
    const controller = new AbortController();
    const written: string[] = [];
    const served = async function* (all: Buffer, stop: () => void): AsyncGenerator<Uint8Array> {
      yield all.subarray(0, -2048);
      yield all.subarray(-2048, -1024);
      written.push(...(await readdir(directory)));
      stop();
      yield all.subarray(-1024);
    };
    const cut = layerOf(many, {
      served: (all) =>
        served(all, () => {
          throw new Error("the connection is gone");
        }),
    });
    await expect(ownerOf([met(cut)], "srv")).rejects.toThrow("the connection is gone");
    expect(written).toHaveLength(1);
    expect(await readdir(directory)).toEqual([]);
    const layer = layerOf(many, {
      served: (all) => served(all, () => controller.abort(new Error("enough"))),
    });
    await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
    const view = new ImageView("an image", [met(layer)], new Interest([bytesOfText("srv")]), {
      wantsBody: () => false,
      onWarning: () => {},
    });
    const call = { signal: controller.signal };
    await expect(new LayerReader(spool, 1).ask([view], () => view.tree(), call)).rejects.toThrow("enough");
    expect(written).toHaveLength(2);
    expect(await readdir(directory)).toEqual([]);
  });
});
