import { expect, it } from "vitest";
import { describeResult, fuzz } from "./fuzz.ts";

it("inputs that are almost right are taken or refused by a code, and most are looked into", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const results = await fuzz({ seed, runs: 500 });
  const faults = results.filter(({ fault }) => fault !== undefined).map(describeResult);
  expect(faults, `npm run test:fuzz -- --seed ${seed}`).toEqual([]);
  expect(results.map(({ name }) => name)).toHaveLength(11);
});
