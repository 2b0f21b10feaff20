import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readResults, withFigures } from "../../bench/results.ts";

const readme = readFileSync(new URL("../../bench/README.md", import.meta.url), "utf8");

test("the figures of bench/README.md are those of bench/results.json", () => {
  expect(withFigures(readme, readResults())).toBe(readme);
});

test("the committed results keep what bench/README.md claims", () => {
  const { memory, temporaryDisk, timings } = readResults();
  const peaks = (wanted: string): number[] =>
    memory.filter(({ image }) => image === wanted).flatMap((each) => each.peaks);
  expect(Math.max(...peaks("builder"), ...peaks("doubled"))).toBeLessThan(250_000_000);
  expect(median(peaks("doubled")) / median(peaks("builder"))).toBeLessThanOrEqual(1.2);
  expect(temporaryDisk.peak).toBeLessThanOrEqual(temporaryDisk.bound);
  const own = timings.find(({ name }) => name === "compose-image, push included");
  const peer = timings.find(({ name }) => name === "buildah bud");
  expect(own?.mean).toBeLessThanOrEqual((peer?.mean ?? 0) / 2);
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
