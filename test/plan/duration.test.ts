import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/plan/duration.ts";

describe("durations", () => {
  it.each([
    ["30s", 30_000_000_000, "30s"],
    ["1m30s", 90_000_000_000, "90s"],
    ["1.5h", 5_400_000_000_000, "90m"],
    ["100ms", 100_000_000, "100ms"],
    ["0s", 0, "0ns"],
    ["7us", 7000, "7us"],
    ["2h", 7_200_000_000_000, "2h"],
  ])("%s is %d nanoseconds and written %s", (text, nanoseconds, written) => {
    expect(parseDuration(text, "x")).toBe(nanoseconds);
    expect(formatDuration(nanoseconds)).toBe(written);
    expect(parseDuration(written, "x")).toBe(nanoseconds);
  });

  it.each(["", "30", "s", "-1s", "1 s", "1d"])("%j is none", (text) => {
    expect(() => parseDuration(text, "interval")).toThrow("is not a duration");
  });
});
