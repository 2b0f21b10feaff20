import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTagExpression } from "../../src/plan/tag-expression.ts";

const matches = (pattern: string, tag: string): boolean => parseTagExpression(pattern, "regex").matches(tag);

/**
 * Expressions of what both know, for short texts of few characters. Groups are two deep at most: JavaScript tries all the ways
 * in which repetitions of repetitions can match, which takes minutes for some.
 */
const anyExpression = fc.letrec<{ any: string; part: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 2, depthIdentifier: "group" },
    {
      weight: 6,
      arbitrary: fc.constantFrom("a", "b", "1", "\\.", ".", "\\d", "\\w", "[ab]", "[^a1]", "[a-b.-]", "-"),
    },
    { weight: 1, arbitrary: fc.constantFrom("^", "$") },
    { weight: 2, arbitrary: tie("any").map((inner) => `(${inner})`) },
    { weight: 1, arbitrary: tie("any").map((inner) => `(?:${inner})`) },
  ),
  part: fc
    .tuple(tie("atom"), fc.constantFrom("", "", "", "*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{0}"))
    .map(([atom, repeated]) => (/^[$^]$/.test(atom) ? atom : `${atom}${repeated}`)),
  any: fc
    .array(
      fc.array(tie("part"), { maxLength: 4 }).map((parts) => parts.join("")),
      { minLength: 1, maxLength: 3 },
    )
    .map((choices) => choices.join("|")),
})).any;

const anyTag = fc.string({ unit: fc.constantFrom("a", "b", "1", ".", "-"), maxLength: 6 });

describe("a regular expression for tags", () => {
  it("matches what JavaScript's matches as a whole", () => {
    fc.assert(
      fc.property(anyExpression, fc.array(anyTag, { minLength: 1, maxLength: 8 }), (pattern, tags) => {
        const expression = parseTagExpression(pattern, "regex");
        const peer = new RegExp(`^(?:${pattern})$`, "u");
        for (const tag of tags) expect([tag, expression.matches(tag)]).toEqual([tag, peer.test(tag)]);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["v?[0-9]+(\\.[0-9]+)*", "v1.27.3", true],
    ["[0-9]+", "12a", false],
    ["^[0-9]+$", "12", true],
    ["(?P<major>\\d+)\\.(?<minor>\\d+)", "1.2", true],
    ["[\\w\\-.]+", "a_b-c.d", true],
    ["[\\_]", "_", true],
    ["[\\\\_]", "_", true],
    ["a{3}", "aaa", true],
    ["a{3}", "aaaa", false],
    ["bookworm(-slim|)", "bookworm", true],
    ["", "a", false],
  ])("%j on %j: %j", (pattern, tag, answer) => {
    expect(matches(pattern, tag)).toBe(answer);
  });

  it("needs no more time for expressions that others take ages for", () => {
    const tag = "a".repeat(127);
    for (const pattern of ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*){20}b", "(a?){127}a{127}b"]) {
      expect(matches(pattern, `${tag}-`)).toBe(false);
    }
  });

  it.each([
    ["(a", "a ( without its )", "Close"],
    ["a)", "a ) without its (", "Close"],
    ["*a", "* stands where it has no meaning", "\\ before"],
    ["a**", "* stands where", "\\ before"],
    ["a{2", "{ stands where", "\\ before"],
    ["a{3,2}", "it has {3,2}", "LEAST,MOST"],
    ["a{1001}", "it has {1001}", "1000"],
    ["(a{1000}){1000}", "its repetitions make it too large", "128"],
    ["[a", "a class of characters is malformed", "[a-z0-9]"],
    ["[]a]", "a class of characters is malformed", "[a-z0-9]"],
    ["[[:digit:]]", "a class of characters is malformed", "[:digit:]"],
    ["[z-a]", "[z-a] is malformed", "[a-z0-9]"],
    ["(?=a)a", "it has (?=", "exclude:"],
    ["(?!a)b", "it has (?!", "exclude:"],
    ["(?<!a)b", "it has (?<", "exclude:"],
    ["(?i)a", "it has (?i", "exclude:"],
    ["(a)\\1", "it has \\1", "\\d"],
    ["\\bx", "it has \\b", "\\d"],
    ["a\\", "it has \\", "\\d"],
    ["a/b", 'no tag has "/"', "letters, digits"],
    ["a b", 'no tag has " "', "letters, digits"],
    ["é", 'no tag has "é"', "letters, digits"],
    ["a".repeat(1001), "it is too long", "1000"],
  ])("is refused: %j", (pattern, why, hint) => {
    expect(() => parseTagExpression(pattern, "tags[0]")).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(/^tags\[0\] ".*" is no regular expression for tags: /),
        hint: expect.stringContaining(hint),
      }),
    );
    expect(() => parseTagExpression(pattern, "tags[0]")).toThrow(why);
  });
});
