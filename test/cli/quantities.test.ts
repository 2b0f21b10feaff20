import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatDuration,
  parseCount,
  parseDuration,
  parseMemory,
  parseSize,
} from "../../src/cli/quantities.ts";

const usage = (text: string) =>
  expect.objectContaining({
    code: "USAGE",
    message: expect.stringContaining(text),
    hint: expect.any(String),
  });

describe("bytes for people", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [188_234_567, "188.2 MB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [1e12, "1.0 TB"],
    [5e15, "5000.0 TB"],
  ])("%d are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("a duration for people", () => {
  it.each([
    [0, "0.0 s"],
    [440, "0.4 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min 00 s"],
    [65_000, "1 min 05 s"],
    [119_700, "2 min 00 s"],
    [3_600_000, "60 min 00 s"],
  ])("of %d ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("an amount of memory", () => {
  it.each([
    ["0", 0],
    ["100", 100],
    ["1k", 1024],
    ["64M", 64 * 1024 ** 2],
    ["64MiB", 64 * 1024 ** 2],
    ["64mb", 64 * 1024 ** 2],
    ["2G", 2 * 1024 ** 3],
    ["5b", 5],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseMemory(text, "--memory-limit")).toBe(bytes);
  });

  it.each(["", "M", "-1M", "1.5G", "64 M", "64T", "1e9", "0x10"])("is not %j", (text) => {
    expect(() => parseMemory(text, "--memory-limit")).toThrow(usage("--memory-limit"));
  });
});

describe("a size of files", () => {
  it.each([
    ["1000", 1000],
    ["4GB", 4e9],
    ["700mb", 7e8],
    ["2kB", 2000],
    ["64K", 65_536],
    ["1GiB", 1024 ** 3],
    ["1T", 1024 ** 4],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text, "--split")).toBe(bytes);
  });

  it.each(["", "0", "GB", "-1M", "1.5G", "4 GB", "1e9", "99999999T"])("is not %j", (text) => {
    expect(() => parseSize(text, "--split")).toThrow(usage("--split"));
  });
});

describe("a duration", () => {
  it.each([
    ["30", 30_000],
    ["30s", 30_000],
    ["0.5s", 500],
    ["2m", 120_000],
    ["500ms", 500],
  ])("%s is %d ms", (text, milliseconds) => {
    expect(parseDuration(text, "--timeout")).toBe(milliseconds);
  });

  it.each(["", "0", "0.0001s", "-1s", "1h", "s", "30 s", "forever"])("is not %j", (text) => {
    expect(() => parseDuration(text, "--timeout")).toThrow(usage("--timeout"));
  });

  it("is not longer than timers can wait", () => {
    expect(parseDuration("2147483s", "--timeout")).toBe(2_147_483_000);
    expect(() => parseDuration("2147484s", "--timeout")).toThrow(usage("--timeout"));
  });
});

describe("a count", () => {
  it("is a whole number of at least what is said", () => {
    expect(parseCount("0", "--retries", 0)).toBe(0);
    expect(parseCount("16", "--jobs", 1)).toBe(16);
    for (const text of ["0", "-1", "1.5", "", "x", "1e3", "9999999999"])
      expect(() => parseCount(text, "--jobs", 1)).toThrow(usage("--jobs"));
  });
});
