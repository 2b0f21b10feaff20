import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Interest } from "../../src/layers/interest.ts";
import { type ImagePath, isWithin, parentOf } from "../../src/layers/path.ts";

const anyPath = fc
  .array(fc.constantFrom("a", "b", "ab"), { maxLength: 4 })
  .map((parts) => parts.join("/") as ImagePath);
const anyPaths = fc.array(anyPath, { maxLength: 8 });
const path = (text: string): ImagePath => text as ImagePath;

describe("an interest", () => {
  it("knows its subtrees, its paths, and what lies above them, however many there are", () => {
    fc.assert(
      fc.property(anyPaths, anyPaths, anyPath, (subtrees, paths, asked) => {
        const interest = new Interest(subtrees, paths);
        const isBelow = subtrees.some((subtree) => isWithin(asked, subtree));
        const isAbove = [...subtrees, ...paths].some((wanted) => wanted !== asked && isWithin(wanted, asked));
        expect(interest.hasInSubtree(asked)).toBe(isBelow);
        if (asked !== "") expect(interest.knows(asked)).toBe(isBelow || isAbove || paths.includes(asked));
      }),
    );
  });

  it("knows the lowest path it knows above any other", () => {
    fc.assert(
      fc.property(anyPaths, anyPaths, anyPath, (subtrees, paths, asked) => {
        const interest = new Interest(subtrees, paths);
        fc.pre(!interest.hasInSubtree(asked));
        let lowest = asked;
        while (lowest !== "" && !interest.knows(lowest)) lowest = parentOf(lowest);
        expect(interest.lowestKnown(asked)).toBe(lowest);
      }),
    );
  });

  it("joined with another covers both and knows what either knew", () => {
    fc.assert(
      fc.property(anyPaths, anyPaths, anyPaths, anyPath, (subtrees, paths, others, asked) => {
        const one = new Interest(subtrees, paths);
        const other = new Interest(others);
        const both = one.and(other);
        expect(both.covers(one) && both.covers(other)).toBe(true);
        expect(both.knows(asked)).toBe(one.knows(asked) || other.knows(asked));
      }),
    );
  });

  it("covers a single path it knows, but a subtree only when it has all of it", () => {
    const interest = new Interest([path("a/b")], [path("c/d")]);
    expect(interest.covers(new Interest([], [path("a"), path("a/b/x"), path("c/d")]))).toBe(true);
    expect(interest.covers(new Interest([path("a/b/x")]))).toBe(true);
    for (const subtree of ["a", "c/d", "c/d/e", ""])
      expect(interest.covers(new Interest([path(subtree)]))).toBe(false);
    expect(interest.covers(new Interest([], [path("c/d/e")]))).toBe(false);
  });
});

describe("paths", () => {
  it("go up to the root and stay there", () => {
    expect(parentOf(path("a/b"))).toBe("a");
    expect(parentOf(path("a"))).toBe("");
    expect(parentOf(path(""))).toBe("");
  });
});
