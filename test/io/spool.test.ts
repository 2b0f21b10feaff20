import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collect } from "../../src/io/collect.ts";
import { MemoryBudget } from "../../src/io/memory-budget.ts";
import { Spool } from "../../src/io/spool.ts";
import { temporaryDirectory } from "../support/temp.ts";

async function* chunksOf(...chunks: Uint8Array[]) {
  yield* chunks;
}

const mebibyte = 1024 * 1024;

describe("a spool", () => {
  it("gives every extent back as it was put in, in any order, on either side of the memory limit", async () => {
    const directory = await temporaryDirectory("spool");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 4 }),
        async (sizes, slabs) => {
          await using spool = new Spool(new MemoryBudget(slabs * mebibyte), directory);
          const bodies = sizes.map((size, i) => Buffer.alloc(size, i + 1));
          const extents = await Promise.all(
            bodies.map((body) => spool.append(chunksOf(body.subarray(0, 1000), body.subarray(1000)))),
          );
          for (const i of [...sizes.keys()].reverse()) {
            const extent = extents[i] ?? { offset: 0, size: -1 };
            const got = await collect(spool.read(extent), 10 * mebibyte, "extent");
            expect(got.equals(bodies[i] ?? Buffer.alloc(0))).toBe(true);
          }
          expect(await readdir(directory)).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("leaves the disk alone while the content fits the budget", async () => {
    await using spool = new Spool(new MemoryBudget(2 * mebibyte), "/nonexistent");
    await spool.append(chunksOf(Buffer.alloc(2 * mebibyte)));
    expect(spool.sizeOnDisk).toBe(0);
  });

  it("names the directory and the remedy when the disk part cannot be written", async () => {
    await using spool = new Spool(new MemoryBudget(0), "/nonexistent");
    await expect(spool.append(chunksOf(Buffer.alloc(2 * mebibyte)))).rejects.toMatchObject({
      code: "LOCAL_IO",
      message: "cannot write a temporary file in /nonexistent: no such file or directory",
      hint: expect.stringContaining("TMPDIR"),
    });
  });

  it("gives back what was put in after a failure to write", async () => {
    const directory = join(await temporaryDirectory("spool"), "later");
    await using spool = new Spool(new MemoryBudget(0), directory);
    await expect(spool.append(chunksOf(Buffer.alloc(2 * mebibyte)))).rejects.toThrow(directory);
    await mkdir(directory);
    const body = Buffer.alloc(3 * mebibyte, "later");
    const extent = await spool.append(chunksOf(body));
    expect((await collect(spool.read(extent), 10 * mebibyte, "extent")).equals(body)).toBe(true);
  });

  it("gives its memory back to the budget", async () => {
    const budget = new MemoryBudget(mebibyte);
    {
      await using spool = new Spool(budget, "/nonexistent");
      await spool.append(chunksOf(Buffer.alloc(10)));
      expect(budget.take(mebibyte)).toBe(false);
    }
    expect(budget.take(mebibyte)).toBe(true);
  });
});
