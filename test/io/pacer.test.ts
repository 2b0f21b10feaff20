import { expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { Pacer } from "../../src/io/pacer.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** The moments at which amounts pass that are asked for at once. */
function passing(pacer: Pacer, clock: FakeClock, amounts: readonly number[]): number[] {
  const moments: number[] = [];
  for (const amount of amounts) pacer.take(amount, unstoppable).then(() => moments.push(clock.now()));
  return moments;
}

test("amounts pass in their order, each when those before it are paid for", async () => {
  const clock = new FakeClock();
  const moments = passing(new Pacer(10, clock), clock, [1, 1, 5, 1, 1]);
  await clock.pass(5000);
  expect(moments).toEqual([0, 100, 200, 700, 800]);
});

test("less than one in a second can be allowed", async () => {
  const clock = new FakeClock();
  const moments = passing(new Pacer(0.5, clock), clock, [1, 1, 1]);
  await clock.pass(10_000);
  expect(moments).toEqual([0, 2000, 4000]);
});

test("time in which nobody came is not made up for, but for the credit", async () => {
  for (const [credit, expected] of [
    [0, [1000, 1100, 1200, 1300]],
    [200, [1000, 1000, 1000, 1100]],
  ] as const) {
    const clock = new FakeClock();
    const pacer = new Pacer(10, clock, credit);
    await clock.pass(1000);
    const moments = passing(pacer, clock, [1, 1, 1, 1]);
    await clock.pass(1000);
    expect(moments).toEqual(expected);
  }
});

test("a pause holds up those that wait already, and a shorter one changes nothing", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(10, clock);
  const moments = passing(pacer, clock, [1, 1, 1]);
  await clock.pass(50);
  pacer.pause(1000);
  pacer.pause(10);
  await clock.pass(5000);
  expect(moments).toEqual([0, 1050, 1150]);
});

test("without a rate only pauses count", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(Number.POSITIVE_INFINITY, clock);
  pacer.pause(300);
  const moments = passing(pacer, clock, [1, 1]);
  await clock.pass(1000);
  expect(moments).toEqual([300, 300]);
});

test("what did not wait is paid for by those that come after it", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(1, clock);
  pacer.charge(2);
  const moments = passing(pacer, clock, [1]);
  await clock.pass(5000);
  expect(moments).toEqual([2000]);
});

test("an abort ends the wait at once and costs the others nothing", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(1, clock);
  const first = passing(pacer, clock, [1]);
  const [asleep, inLine] = [new AbortController(), new AbortController()];
  const aborted = [asleep, inLine].map((each) => pacer.take(60, each));
  const after = passing(pacer, clock, [1]);
  await clock.pass(10);
  asleep.abort(new Error("stopped"));
  inLine.abort(new Error("stopped too"));
  await expect(aborted[0]).rejects.toThrow("stopped");
  await expect(aborted[1]).rejects.toThrow("stopped too");
  await clock.pass(5000);
  expect([first, after]).toEqual([[0], [1000]]);
  expect(clock.sleepers).toBe(0);
});
