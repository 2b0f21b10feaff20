import { expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { Rendezvous } from "../../src/io/rendezvous.ts";

/** A rendezvous with a record of what was done together. */
function meeting(parties: number) {
  const rendezvous = new Rendezvous<string>(parties);
  const done: string[] = [];
  const work = async (items: readonly string[]): Promise<void> => {
    done.push(items.join("+"));
  };
  return { rendezvous, done, join: (item: string, call = unstoppable) => rendezvous.join(item, work, call) };
}

test("a single party waits for nobody", async () => {
  const { join, done, rendezvous } = meeting(1);
  await join("a");
  await join("b");
  await rendezvous.leave(unstoppable);
  expect(done).toEqual(["a", "b"]);
});

test("work is done once for all, when all have come", async () => {
  const { join, done } = meeting(3);
  const waiting = [join("a"), join("b")];
  await Promise.resolve();
  expect(done).toEqual([]);
  await Promise.all([...waiting, join("c")]);
  expect(done).toEqual(["a+b+c"]);
});

test("who has left is not waited for, and waits until all have", async () => {
  const { join, done, rendezvous } = meeting(2);
  let hasLeft = false;
  const waiting = join("a");
  const leaving = rendezvous.leave(unstoppable).then(() => {
    hasLeft = true;
  });
  await waiting;
  await join("b");
  expect({ done, hasLeft }).toEqual({ done: ["a", "b"], hasLeft: false });
  await Promise.all([leaving, rendezvous.leave(unstoppable)]);
  expect(hasLeft).toBe(true);
});

test("what fails fails for each", async () => {
  const rendezvous = new Rendezvous<number>(2);
  const work = (): Promise<void> => Promise.reject(new Error("torn"));
  const results = await Promise.allSettled([1, 2].map((item) => rendezvous.join(item, work, unstoppable)));
  expect(results.map((result) => result.status === "rejected" && String(result.reason))).toEqual([
    "Error: torn",
    "Error: torn",
  ]);
});

test("who waits for the others is stopped by the call, with its reason", async () => {
  const { join, rendezvous } = meeting(2);
  const stop = new AbortController();
  const waiting = [join("a", stop), rendezvous.leave({ signal: AbortSignal.abort("before") })];
  await expect(waiting[1]).rejects.toBe("before");
  await waiting[0];
  const alone = meeting(2).join("a", stop);
  stop.abort("now");
  await expect(alone).rejects.toBe("now");
});
