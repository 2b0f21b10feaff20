import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareTags, semverOf } from "../../src/plan/tag-version.ts";

describe("the version a tag is", () => {
  it.each([
    ["1.27.3", "1.27.3"],
    ["v1.27.3", "1.27.3"],
    ["1.27", "1.27.0"],
    ["v3", "3.0.0"],
    ["2024", "2024.0.0"],
    ["24.04", "24.4.0"],
    ["1.27.3-alpine3.20", "1.27.3-alpine3.20"],
    ["20-slim", "20.0.0-slim"],
    ["1.2.3-01", "1.2.3-1"],
  ])("of %s is %s", (tag, version) => {
    expect(semverOf(tag)?.version).toBe(version);
  });

  it.each([
    "latest",
    "bookworm-20240110",
    "20240329",
    "12345",
    "1.2.3.4",
    "1.2.3_4",
    "1.2.3-a_b",
    "V1.2",
    "v",
    "1.",
    "1.2.99999999999999999999",
  ])("of %s is not there", (tag) => {
    expect(semverOf(tag)).toBeUndefined();
  });
});

describe("the order of tags", () => {
  it.each([
    ["1.9", "1.10"],
    ["v1.9", "1.10"],
    ["1.27.3-alpine", "1.27.3"],
    ["1.27.3", "1.27.4-alpine"],
    ["1.2.3-rc9", "1.2.3-rc10"],
    ["1.2.3-rc.9", "1.2.3-rc.10"],
    ["1.2.3-alpine3.9", "1.2.3-alpine3.20"],
    ["2024.01", "2024.2"],
    ["1.2.3.4", "1.2.3.10"],
    ["9", "10"],
    ["bookworm-20240110", "bookworm-20240211"],
    ["build9", "build10"],
    ["build9", "build009"].reverse(),
    ["20240329", "3.20"],
    ["latest", "0.1"],
    ["alpha", "beta"],
  ])("has %s before %s", (older, newer) => {
    expect(compareTags(older ?? "", newer ?? "")).toBeLessThan(0);
    expect(compareTags(newer ?? "", older ?? "")).toBeGreaterThan(0);
  });

  it("is total, and the same whatever order they come in", () => {
    const tag = fc.string({
      unit: fc.constantFrom("0", "1", "9", ".", "-", "v", "a"),
      minLength: 1,
      maxLength: 7,
    });
    fc.assert(
      fc.property(fc.uniqueArray(tag, { maxLength: 12 }), (tags) => {
        const sorted = tags.toSorted(compareTags);
        expect(tags.toReversed().toSorted(compareTags)).toEqual(sorted);
        for (const [i, older] of sorted.entries())
          for (const newer of sorted.slice(i + 1)) expect(compareTags(older, newer)).toBeLessThan(0);
      }),
      { numRuns: 1000 },
    );
  });
});
