import { describe, expect, it } from "vitest";
import { parseAge } from "../../src/plan/age.ts";

const day = 24 * 3600 * 1000;

describe("ages", () => {
  it.each([
    ["90d", 90 * day],
    ["2w", 14 * day],
    ["1d12h", 1.5 * day],
    ["1.5d", 1.5 * day],
    ["36h", 1.5 * day],
    ["90m", 5_400_000],
    ["30s", 30_000],
  ])("%s is %d milliseconds", (text, milliseconds) => {
    expect(parseAge(text, "x")).toBe(milliseconds);
  });

  it.each(["", "90", "d", "-1d", "1 d", "1y", "0d", "1ms", "9999999999d", "999999999w"])(
    "%j is none",
    (text) => {
      expect(() => parseAge(text, "maxAge")).toThrow(`maxAge ${text} is not an age`);
    },
  );
});
