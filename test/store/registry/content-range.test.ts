import { expect, test } from "vitest";
import { formatRange, isContentRange } from "../../../src/store/registry/content-range.ts";

const range = { first: 10, last: 99 };

test("a range is asked for closed", () => {
  expect(formatRange(range)).toBe("bytes=10-99");
});

test.each([
  ["bytes 10-99/100", true],
  ["bytes 10-99/*", true],
  ["bytes 10-99/101", false],
  ["bytes 11-99/100", false],
  ["bytes 10-98/100", false],
  ["bytes */100", false],
  ["10-99/100", false],
  [undefined, false],
])("Content-Range %j fits the request: %j", (value, fits) => {
  expect(isContentRange(value, range, 100)).toBe(fits);
});
