import { expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { StallTimer } from "../../src/io/stall-timer.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test("a wait that is too long aborts the work; one that was stopped does not", async () => {
  const timer = new StallTimer(unstoppable);
  timer.wait(1);
  timer.stop();
  await turn();
  expect(timer.signal.aborted).toBe(false);
  timer.wait(1);
  await expect.poll(() => timer.expired).toBe(true);
  expect(timer.signal.aborted).toBe(true);
});

test("once ended it waits no more", async () => {
  const timer = new StallTimer(unstoppable);
  timer.end();
  timer.wait(1);
  await turn();
  expect(timer.signal.aborted).toBe(false);
});

test("the caller's own abort is not taken for a stall", () => {
  const controller = new AbortController();
  const timer = new StallTimer(controller);
  controller.abort(new Error("stopped"));
  expect(timer.expired).toBe(false);
  expect(timer.signal.reason).toMatchObject({ message: "stopped" });
});
