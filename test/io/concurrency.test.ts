import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { forEachConcurrently } from "../../src/io/concurrency.ts";
import { MemoryBudget } from "../../src/io/memory-budget.ts";

describe("work for each item", () => {
  it("runs at most as many at a time as allowed, begun in order, each once", async () => {
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    await forEachConcurrently(
      Array.from({ length: 20 }, (_, i) => i),
      3,
      async (i) => {
        begun.push(i);
        running += 1;
        most = Math.max(most, running);
        await turn();
        running -= 1;
      },
      unstoppable,
    );
    expect(begun).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(most).toBe(3);
  });

  it("for no items, or with an absurd limit, just ends", async () => {
    await forEachConcurrently([], 3, () => Promise.reject(new Error("x")), unstoppable);
    const done: number[] = [];
    const work = async (i: number): Promise<void> => void done.push(i);
    await forEachConcurrently(new Set([1, 2]), 999_999_999, work, unstoppable);
    await forEachConcurrently([3], 0, work, unstoppable);
    expect(done).toEqual([1, 2, 3]);
  });

  it("that fails once stops the others, waits for their end, begins no more, and throws the first failure", async () => {
    const fault = new Error("first");
    const ended: number[] = [];
    const begun: number[] = [];
    const work = forEachConcurrently(
      [0, 1, 2, 3],
      2,
      async (i, call) => {
        begun.push(i);
        if (i === 0) throw fault;
        await new Promise<void>((resolve) => {
          call.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        expect(call.signal.reason).toBe(fault);
        await turn();
        ended.push(i);
        throw new Error("second");
      },
      unstoppable,
    );
    await expect(work).rejects.toBe(fault);
    expect(begun).toEqual([0, 1]);
    expect(ended).toEqual([1]);
  });

  it("that is stopped throws the caller's reason, not what the work makes of it", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const work = forEachConcurrently(
      [1, 2, 3],
      1,
      async (_, call) => {
        controller.abort(reason);
        await turn();
        expect(call.signal.aborted).toBe(true);
        throw new Error("mine");
      },
      { signal: controller.signal },
    );
    await expect(work).rejects.toBe(reason);
    await expect(
      forEachConcurrently([1], 1, () => Promise.reject(new Error("begun")), { signal: controller.signal }),
    ).rejects.toBe(reason);
  });
});

describe("a memory budget", () => {
  it("gives all it has and no more, and gives again what came back", () => {
    const budget = new MemoryBudget(10);
    expect(budget.take(11)).toBe(false);
    expect(budget.take(6)).toBe(true);
    expect(budget.take(5)).toBe(false);
    expect(budget.take(4)).toBe(true);
    expect(budget.take(1)).toBe(false);
    budget.giveBack(6);
    expect(budget.take(6)).toBe(true);
  });
});
