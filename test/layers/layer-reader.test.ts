import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Call } from "../../src/io/call.ts";
import { unstoppable } from "../../src/io/call.ts";
import type { Content } from "../../src/io/content.ts";
import { MemoryBudget } from "../../src/io/memory-budget.ts";
import { Spool } from "../../src/io/spool.ts";
import type { FileNode } from "../../src/layers/file-node.ts";
import { ImageView } from "../../src/layers/image-view.ts";
import { Interest } from "../../src/layers/interest.ts";
import type { LayerBlob } from "../../src/layers/layer-blob.ts";
import { LayerReader } from "../../src/layers/layer-reader.ts";
import type { ImagePath } from "../../src/layers/path.ts";
import { inChunks } from "../codec/chunking.ts";
import { member } from "../tar/craft.ts";
import { compose, merged } from "./support/compose.ts";
import { file, hardlink, symlink, tarOf, whiteout } from "./support/entries.ts";
import { layerOf, layersOf, type TestLayer } from "./support/layer.ts";

const at = (path: string): ImagePath => path as ImagePath;

function viewOf(layers: readonly LayerBlob[], path = "d"): ImageView {
  return new ImageView("an image", layers, new Interest([at(path)]), {
    wantsBody: () => true,
    onWarning: () => {},
  });
}

function nodeAt(view: ImageView, path: string): FileNode | undefined {
  return view.tree().walk(at(path), true, view.name).node;
}

const copied = { steps: [{ src: "/d", dst: "/out" }] };

describe("bodies", () => {
  const big = "x".repeat(10_000);

  it("are put aside once for a file that six layers replace", async () => {
    const builder = Array.from({ length: 6 }, (_, i) => [file("d/f", big + i)]);
    for (const jobs of [1, 2, 6]) {
      const layer = await compose({ ...copied, builder, jobs });
      expect(layer.stagedBytes).toBe(10_001);
      expect(layer.files["out/f"]).toBe(`${big}5`);
    }
  });

  it("are not put aside for what a whiteout, an opaque directory or another kind of file above hides", async () => {
    const lower = [file("d/a", big), file("d/b/c", big), file("d/e/f", big), file("d/kept", "12345")];
    const upper = [whiteout("d/a"), file("d/b/.wh..wh..opq", ""), symlink("d/e", "kept")];
    for (const jobs of [1, 4])
      expect((await compose({ ...copied, builder: [lower, upper], jobs })).stagedBytes).toBe(5);
  });

  it("are not put aside for what lies outside the selection", async () => {
    expect(
      (await compose({ ...copied, builder: [[file("e/big", big), file("d/f", "1")]] })).stagedBytes,
    ).toBe(1);
  });

  it("are read again when the names alone seemed to hide them", async () => {
    const layers = layersOf(
      [file("d/z", big), file("d/f", "1")],
      [hardlink("d/a", "d/z")],
      [file("d/z", "new")],
    );
    const { files, stagedBytes } = await compose({ ...copied, builder: layers });
    expect(files).toMatchObject({ "out/a": big, "out/z": "new" });
    expect(stagedBytes).toBe(10_004);
    expect(layers.map(({ opened }) => opened.times)).toEqual([2, 1, 1]);
  });

  it("are put aside once when two images share the layer", async () => {
    const shared = layerOf([file("d/f", big)]);
    await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
    const views = [viewOf([shared]), viewOf([shared])];
    await new LayerReader(spool, 4).ask(views, () => views.map((view) => nodeAt(view, "d/f")), unstoppable);
    expect(spool.size).toBe(10_000);
    expect(shared.opened.times).toBe(1);
  });
});

describe("layers", () => {
  it("give the same bytes however many are read at once", async () => {
    const builder = Array.from({ length: 12 }, (_, i) => [
      file(`d/f${i}`, "x".repeat(i * 700)),
      file("d/always", `${i}`),
      ...(i % 3 === 2 ? [whiteout(`d/f${i - 1}`)] : []),
    ]);
    const [one, ...others] = await Promise.all(
      [1, 2, 5, 100].map((jobs) => compose({ ...copied, builder, jobs })),
    );
    for (const other of others) expect(other.tar.equals(one?.tar ?? Buffer.alloc(0))).toBe(true);
  });

  it("that two images hold in opposite order do not wait for each other", async () => {
    for (const jobs of [1, 2]) {
      const [a, b] = layersOf([file("d/f", "a"), file("d/a", "1")], [file("d/f", "b"), file("d/b", "2")]);
      if (a === undefined || b === undefined) throw new Error("two layers were asked for");
      await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
      const views = [viewOf([a, b]), viewOf([b, a])];
      const reader = new LayerReader(spool, jobs);
      const nodes = await reader.ask(views, () => views.map((view) => nodeAt(view, "d/f")), unstoppable);
      expect(nodes.map((node) => node?.origin?.blob)).toEqual([b, a]);
      await reader.stage(
        nodes.filter((node) => node !== undefined),
        unstoppable,
      );
      for (const node of nodes) expect(node?.origin?.blob.bodies.get(node.offset)).toBeDefined();
    }
  });

  it("that appear several times in one image do not wait for themselves", async () => {
    const twice = layerOf([file("d/f", "1"), file("d/g", "2")]);
    expect(await merged([twice, twice, layerOf([file("d/h", "3")]), twice])).toEqual({
      f: "1",
      g: "2",
      h: "3",
    });
  });

  it("in any number can wait for those above without a warning from the runtime", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    try {
      const builder = Array.from({ length: 40 }, (_, i) => [file(`d/f${i}`)]);
      for (const jobs of [4, 40]) await compose({ ...copied, builder, jobs });
      await sleep(10);
    } finally {
      process.off("warning", listen);
    }
    expect(warnings).toEqual([]);
  });

  it("packed with gzip are unpacked", async () => {
    expect(await merged([layerOf(gzipSync(tarOf([file("d/f", "1")])))])).toEqual({ f: "1" });
  });
});

describe("a layer that was damaged on the way", () => {
  const entries = [file("d/f", "the right content"), file("d/g", "more")];
  const flipped = (bytes: Buffer, offset: number): Buffer => {
    const damaged = Buffer.from(bytes);
    damaged[offset] = (damaged[offset] ?? 0) ^ 0xff;
    return damaged;
  };
  const damagedIn = (offset: number, times: number): TestLayer =>
    layerOf(entries, {
      name: "the layer",
      served: (bytes, time) => inChunks(time < times ? flipped(bytes, offset) : bytes, 700),
    });

  it.each([
    ["a body", 512],
    ["a header", 1030],
    ["the first header", 3],
  ])("once in %s is read once more", async (_, offset) => {
    const layer = damagedIn(offset, 1);
    expect(await merged([layer])).toEqual({ f: "the right content", g: "more" });
    expect(layer.opened.times).toBe(2);
  });

  it("again and again is refused as what it is", async () => {
    for (const offset of [512, 1030, 3]) {
      const layer = damagedIn(offset, 9);
      await expect(merged([layer])).rejects.toMatchObject({
        code: "DIGEST_MISMATCH",
        message: expect.stringContaining("the layer"),
      });
      expect(layer.opened.times).toBe(2);
    }
  });

  it("by a name that makes no sense is read once more, as nothing unverified counts", async () => {
    const good = tarOf([file("d/xx", "1")]);
    const evil = Buffer.concat([member({ name: "d/.wh.", size: 1 }, "1"), Buffer.alloc(1024)]);
    const layer = layerOf(good, { served: (bytes, time) => inChunks(time === 0 ? evil : bytes) });
    expect(await merged([layer])).toEqual({ xx: "1" });
  });

  it("by a cut is read once more", async () => {
    const layer = layerOf(entries, {
      served: (bytes, time) => inChunks(time === 0 ? bytes.subarray(0, 700) : bytes),
    });
    expect(await merged([layer])).toEqual({ f: "the right content", g: "more" });
  });

  it("leaves nothing of the damaged reading in the result", async () => {
    const other = tarOf([file("d/planted", "bad"), file("d/f", "bad")]);
    const layer = layerOf(entries, { served: (bytes, time) => inChunks(time === 0 ? other : bytes) });
    expect(await merged([layer])).toEqual({ f: "the right content", g: "more" });
  });
});

describe("a layer that makes no sense in itself", () => {
  it("is refused after a single reading", async () => {
    const layer = layerOf(Buffer.from("this is no tar archive at all".repeat(40)), { name: "the layer" });
    await expect(merged([layer])).rejects.toMatchObject({
      code: "LAYER_INVALID",
      message: expect.stringContaining("the layer"),
    });
    expect(layer.opened.times).toBe(1);
  });
});

describe("a question", () => {
  it("that follows ever more symlinks out of what is known ends", async () => {
    const chain = Array.from({ length: 100 }, (_, i) => symlink(`l${i}/x`, `../l${i + 1}/x`));
    await expect(
      compose({ builder: [[...chain, file("l100/x/f")]], steps: [{ src: "/l0/x", dst: "/out" }] }),
    ).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", message: expect.stringContaining("builder image") });
  });

  it("that fails in itself is not asked again", async () => {
    const layer = layerOf([file("d/f")]);
    await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
    const fault = new Error("mine");
    await expect(
      new LayerReader(spool, 1).ask(
        [viewOf([layer])],
        () => {
          throw fault;
        },
        unstoppable,
      ),
    ).rejects.toBe(fault);
    expect(layer.opened.times).toBe(1);
  });
});

describe("an abort", () => {
  async function* endless(call: Call, begin: Buffer): Content {
    yield begin;
    for (;;) {
      call.signal.throwIfAborted();
      await sleep(1);
      yield Buffer.alloc(512, "x");
    }
  }

  it("ends all readings with its reason, also one that waits for the layers above", async () => {
    for (const jobs of [1, 3]) {
      const controller = new AbortController();
      const call: Call = { signal: controller.signal };
      const released: string[] = [];
      const bottom = layerOf([file("d/f", "1"), file("d/g", "2")], { name: "bottom" });
      const top: LayerBlob = {
        ...layerOf([]),
        open: async (inner) =>
          (async function* () {
            try {
              yield* endless(
                inner,
                Buffer.from(member({ name: "d/huge", size: 2 ** 30 }, "").subarray(0, 512)),
              );
            } finally {
              released.push("top");
            }
          })(),
      };
      await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
      const view = viewOf([bottom, top]);
      const work = new LayerReader(spool, jobs).ask([view], () => nodeAt(view, "d"), call);
      const reason = new Error("enough");
      setTimeout(() => controller.abort(reason), 20);
      await expect(work).rejects.toBe(reason);
      expect(released).toEqual(["top"]);
    }
  });

  it("of one reading by another's failure shows the failure", async () => {
    const fault = new Error("the disk is gone");
    const failing = layerOf([file("d/f")], {
      served: async () => {
        await sleep(5);
        throw fault;
      },
    });
    const waiting: LayerBlob = {
      ...layerOf([]),
      open: async (inner) => endless(inner, member({ name: "d/huge", size: 2 ** 30 }, "").subarray(0, 512)),
    };
    await using spool = new Spool(new MemoryBudget(2 ** 24), "/nonexistent");
    const view = viewOf([failing, waiting]);
    await expect(new LayerReader(spool, 2).ask([view], () => nodeAt(view, "d"), unstoppable)).rejects.toBe(
      fault,
    );
  });
});
