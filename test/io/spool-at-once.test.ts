import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collect } from "../../src/io/collect.ts";
import { MemoryBudget } from "../../src/io/memory-budget.ts";
import { Spool } from "../../src/io/spool.ts";
import { temporaryDirectory } from "../support/temp.ts";

const mebibyte = 1024 * 1024;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe("a spool without waiting", () => {
  it("takes and gives back the same as with waiting, mixed at will, in memory and on disk", async () => {
    const directory = await temporaryDirectory("spool");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 1, maxLength: 16 }),
        fc.integer({ min: 0, max: 4 }),
        async (sizes, slabs) => {
          await using spool = new Spool(new MemoryBudget(slabs * mebibyte), directory);
          const bodies = sizes.map((size, i) => Buffer.alloc(size, i + 1));
          const extents = [];
          for (const body of bodies)
            extents.push(spool.appendAtOnce(body) ?? (await spool.append(once(body))));
          expect(spool.size).toBe(sizes.reduce((sum, size) => sum + size, 0));
          for (const [i, extent] of extents.entries()) {
            const got = spool.readAtOnce(extent) ?? (await collect(spool.read(extent), mebibyte, "extent"));
            expect(Buffer.compare(got, bodies[i] ?? Buffer.alloc(0))).toBe(0);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("takes most small contents, on either side of the memory limit", async () => {
    const directory = await temporaryDirectory("spool");
    for (const limit of [0, 8 * mebibyte]) {
      await using spool = new Spool(new MemoryBudget(limit), directory);
      let refused = 0;
      for (let i = 0; i < 3000; i++) {
        const body = Buffer.alloc(1000, i);
        if (spool.appendAtOnce(body) !== undefined) continue;
        refused += 1;
        await spool.append(once(body));
      }
      expect(refused).toBeLessThan(10);
    }
  });

  it("takes nothing while another append is under way, so that extents stay whole", async () => {
    await using spool = new Spool(new MemoryBudget(mebibyte), "/nonexistent");
    await spool.append(once(Buffer.from("begin")));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = spool.append(
      (async function* () {
        yield Buffer.from("aa");
        await held;
        yield Buffer.from("bb");
      })(),
    );
    expect(spool.appendAtOnce(Buffer.from("x"))).toBeUndefined();
    release();
    expect(await collect(spool.read(await slow), 10, "it")).toEqual(Buffer.from("aabb"));
    expect(spool.appendAtOnce(Buffer.from("x"))).toBeDefined();
  });

  it("goes on after an append whose content failed", async () => {
    await using spool = new Spool(new MemoryBudget(mebibyte), "/nonexistent");
    const failing = (async function* () {
      yield Buffer.from("half");
      throw new Error("gone");
    })();
    await expect(spool.append(failing)).rejects.toThrow("gone");
    const extent = spool.appendAtOnce(Buffer.from("whole"));
    expect(extent && spool.readAtOnce(extent)).toEqual(Buffer.from("whole"));
  });
});
