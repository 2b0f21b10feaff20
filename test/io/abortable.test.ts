import { expect, test } from "vitest";
import { abortable } from "../../src/io/abortable.ts";
import { unstoppable } from "../../src/io/call.ts";

test("the work's result and failure pass", async () => {
  expect(await abortable(Promise.resolve(1), unstoppable)).toBe(1);
  await expect(abortable(Promise.reject(new Error("failed")), unstoppable)).rejects.toThrow("failed");
});

test("an abort is not kept waiting by work that does not look at it, nor is its late failure unhandled", async () => {
  const controller = new AbortController();
  let fail = (_: Error): void => {};
  const work = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const result = abortable(work, controller);
  controller.abort(new Error("stopped"));
  await expect(result).rejects.toThrow("stopped");
  fail(new Error("late"));
  await new Promise((resolve) => setImmediate(resolve));
});

test("a call that is aborted already is not waited for", async () => {
  const call = { signal: AbortSignal.abort(new Error("stopped")) };
  await expect(abortable(new Promise(() => {}), call)).rejects.toThrow("stopped");
});
