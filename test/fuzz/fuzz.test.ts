import { expect, it } from "vitest";
import { describeResult, fuzz } from "./fuzz.ts";
import { fuzzTargets } from "./targets.ts";

/** Those that take a millisecond and more for an input. */
const slow = ["tar reader", "decompression", "archives", "merged layers"];
const quick = fuzzTargets.map(({ name }) => name).filter((name) => !slow.includes(name));

it.each([
  { names: quick, runs: 3000 },
  { names: slow, runs: 400 },
])(
  "inputs that are almost right are taken or refused by a code, and most are looked into: $names",
  async (order) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const results = await fuzz({ seed, ...order });
    const faults = results.filter(({ fault }) => fault !== undefined).map(describeResult);
    expect(faults, `npm run test:fuzz -- --seed ${seed}`).toEqual([]);
    expect(results.map(({ name }) => name)).toEqual(order.names);
  },
);
