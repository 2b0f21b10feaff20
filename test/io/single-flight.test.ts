import { expect, test } from "vitest";
import { type Call, unstoppable } from "../../src/io/call.ts";
import { SingleFlight } from "../../src/io/single-flight.ts";

function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const calls: Call[] = [];
  const work = (call: Call): Promise<string> => {
    calls.push(call);
    return promise;
  };
  return { work, resolve, reject, calls };
}

test("callers at the same time share one piece of work, later ones begin anew", async () => {
  const flights = new SingleFlight<string>();
  const { work, resolve, calls } = gate();
  const both = [flights.run("key", work, unstoppable), flights.run("key", work, unstoppable)];
  resolve("done");
  expect(await Promise.all(both)).toEqual(["done", "done"]);
  await flights.run("key", work, unstoppable);
  expect(calls).toHaveLength(2);
});

test("a failure reaches every caller and is not kept", async () => {
  const flights = new SingleFlight<string>();
  const { work, reject } = gate();
  const both = [flights.run("key", work, unstoppable), flights.run("key", work, unstoppable)];
  const error = new Error("no");
  reject(error);
  for (const one of both) await expect(one).rejects.toBe(error);
  expect(await flights.run("key", async () => "again", unstoppable)).toBe("again");
});

test("an aborted caller leaves alone; the work goes on for the others", async () => {
  const flights = new SingleFlight<string>();
  const { work, resolve, calls } = gate();
  const controller = new AbortController();
  const reason = new Error("interrupted");
  const leaving = flights.run("key", work, { signal: controller.signal });
  const staying = flights.run("key", work, unstoppable);
  controller.abort(reason);
  await expect(leaving).rejects.toBe(reason);
  expect(calls[0]?.signal.aborted).toBe(false);
  resolve("done");
  expect(await staying).toBe("done");
});

test("the work is aborted when its last caller has left", async () => {
  const flights = new SingleFlight<string>();
  const { work, calls } = gate();
  const controller = new AbortController();
  const leaving = flights.run("key", work, { signal: controller.signal });
  controller.abort(new Error("interrupted"));
  await expect(leaving).rejects.toThrow("interrupted");
  expect(calls[0]?.signal.aborted).toBe(true);
});
