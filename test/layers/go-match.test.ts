import { describe, expect, it } from "vitest";
import { compileGoMatch } from "../../src/layers/go-match.ts";

describe("a pattern, as Go's filepath.Match has it", () => {
  it.each([
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*", "a", true],
    ["a*", "ab/c", false],
    ["*", ".hidden", true],
    ["a*b*c*d*e*", "axbxcxdxe", true],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["a*b?c*x", "abxbbxdbxebxczzy", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["*[a-ζ]", "A", false],
    ["a?b", "a/b", false],
    ["a[/]b", "a/b", false],
    ["[\\]a]", "]", true],
    ["[\\-]", "-", true],
    ["[x\\-]", "x", true],
    ["[x\\-]", "z", false],
    ["[\\-x]", "-", true],
    ["[^\\-x]", "-", false],
    ["[c-a]", "b", false],
    ["*x", "xxx", true],
    ["a.b", "axb", false],
    ["(a|b)+$", "(a|b)+$", true],
    ["{a,b}", "{a,b}", true],
    ["?", "🎉", true],
  ])("%s against %s is %j", (pattern, name, expected) => {
    expect(compileGoMatch(pattern)(name)).toBe(expected);
  });

  it.each([
    "[]a]",
    "[-]",
    "[x-]",
    "[-x]",
    "[",
    "[^",
    "[^bc",
    "a[",
    "[a",
    "\\",
    "a\\",
    "[]",
    "[^]",
    "[a-b-c]",
  ])("%s is malformed", (pattern) => {
    expect(() => compileGoMatch(pattern)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining("malformed pattern") }),
    );
  });
});
