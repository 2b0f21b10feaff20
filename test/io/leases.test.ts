import { expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { type Lease, Leases } from "../../src/io/leases.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Leases as they are given, with the number of who asked. */
function take(leases: Leases, count: number): Map<number, Lease> {
  const given = new Map<number, Lease>();
  for (let i = 1; i <= count; i += 1) leases.take(unstoppable).then((lease) => given.set(i, lease));
  return given;
}

test("so many are given at once, and the others in their order as leases end", async () => {
  const clock = new FakeClock();
  const given = take(new Leases(2, clock), 4);
  await clock.pass(60_000);
  expect([...given.keys()]).toEqual([1, 2]);
  given.get(2)?.end();
  given.get(2)?.end();
  await clock.pass(0);
  expect([...given.keys()]).toEqual([1, 2, 3]);
  given.get(1)?.end();
  await clock.pass(0);
  expect([...given.keys()]).toEqual([1, 2, 3, 4]);
  expect(clock.sleepers).toBe(0);
});

test("one that rests for two seconds while another waits is not counted any more", async () => {
  const clock = new FakeClock();
  const given = take(new Leases(1, clock), 3);
  await clock.pass(1500);
  given.get(1)?.rest();
  await clock.pass(1999);
  expect(given.size).toBe(1);
  await clock.pass(1);
  expect([...given.keys()]).toEqual([1, 2]);
  given.get(1)?.resume();
  given.get(1)?.end();
  await clock.pass(60_000);
  expect(given.size).toBe(2);
  given.get(2)?.end();
  await clock.pass(0);
  expect(given.size).toBe(3);
});

test("one that goes on in time is counted", async () => {
  const clock = new FakeClock();
  const given = take(new Leases(1, clock), 2);
  await clock.pass(0);
  for (let i = 0; i < 5; i += 1) {
    given.get(1)?.rest();
    await clock.pass(1800);
    given.get(1)?.resume();
    await clock.pass(1800);
  }
  expect(given.size).toBe(1);
});

test("an abort ends the wait at once, and the next in line gets the lease", async () => {
  const clock = new FakeClock();
  const leases = new Leases(1, clock);
  const first = await leases.take(unstoppable);
  const stop = new AbortController();
  const stopped = leases.take(stop);
  const given = take(leases, 1);
  stop.abort(new Error("stopped"));
  await expect(stopped).rejects.toThrow("stopped");
  await expect(leases.take(stop)).rejects.toThrow("stopped");
  first.end();
  await clock.pass(0);
  expect(given.size).toBe(1);
  expect(clock.sleepers).toBe(0);
});
