import { describe, expect, it } from "vitest";
import { ExcludePatterns } from "../../src/layers/exclude.ts";
import { bytesOfText } from "../../src/tar/byte-string.ts";

interface PatternCase {
  readonly patterns: readonly string[];
  readonly leftOut: readonly string[];
  readonly kept: readonly string[];
}

/** What docker's matcher makes of them. */
const cases: readonly PatternCase[] = [
  { patterns: ["a"], leftOut: ["a", "a/b", "a/b/c"], kept: ["b/a", "ab", "A"] },
  { patterns: ["/a"], leftOut: ["a", "a/b"], kept: ["b/a"] },
  { patterns: ["a/"], leftOut: ["a", "a/b"], kept: ["ab"] },
  { patterns: ["./a/./b"], leftOut: ["a/b", "a/b/c"], kept: ["a", "a/c"] },
  { patterns: ["a/../b"], leftOut: ["b"], kept: ["a", "a/b"] },
  { patterns: ["../a"], leftOut: [], kept: ["a"] },
  { patterns: ["/../a"], leftOut: ["a"], kept: [] },
  { patterns: ["  a  "], leftOut: ["a"], kept: ["  a  "] },
  { patterns: ["", ".", "/"], leftOut: [], kept: ["a"] },
  { patterns: ["*"], leftOut: ["a", ".a", "a/b"], kept: [] },
  { patterns: ["*.md"], leftOut: ["README.md", ".md"], kept: ["docs/a.md", "a.mdx"] },
  { patterns: ["*/temp*"], leftOut: ["a/temp", "a/temporary.txt", "a/temp/b"], kept: ["temp", "a/b/temp"] },
  { patterns: ["*/*/temp*"], leftOut: ["a/b/temp"], kept: ["a/temp"] },
  { patterns: ["temp?"], leftOut: ["tempa", "tempb/c"], kept: ["temp", "tempab"] },
  { patterns: ["[a-c].txt"], leftOut: ["a.txt", "c.txt"], kept: ["d.txt"] },
  { patterns: ["[^a-c].txt"], leftOut: ["d.txt"], kept: ["a.txt"] },
  { patterns: ["\\*.txt"], leftOut: ["*.txt"], kept: ["a.txt"] },
  { patterns: ["a b"], leftOut: ["a b"], kept: ["a", "b"] },
  { patterns: ["**"], leftOut: ["a", "a/b"], kept: [] },
  { patterns: ["**/a"], leftOut: ["a", "b/a", "b/c/a", "b/a/c"], kept: ["ba", "b/ca"] },
  { patterns: ["**/*.map"], leftOut: ["x.map", "a/b/x.map"], kept: ["x.mapx"] },
  { patterns: ["a/**"], leftOut: ["a/b", "a/b/c"], kept: ["a", "ab"] },
  { patterns: ["a/**/b"], leftOut: ["a/b", "a/x/b", "a/x/y/b"], kept: ["a/xb", "b"] },
  { patterns: ["a**/b"], leftOut: ["ab", "a/b", "ax/y/b"], kept: ["b"] },
  { patterns: ["a**b"], leftOut: ["ab", "a/b", "ax/b"], kept: ["axb"] },
  { patterns: ["**.map"], leftOut: [".map", "x.map", "a/x.map"], kept: ["x.map2"] },
  { patterns: ["**x*"], leftOut: ["x", "xa", "b/xa"], kept: ["ax"] },
  { patterns: ["x**"], leftOut: ["x", "xa", "x/a"], kept: ["a/x"] },
  {
    patterns: ["**/node_modules/**"],
    leftOut: ["node_modules/a", "b/node_modules/a/c"],
    kept: ["node_modules"],
  },
  { patterns: ["**/**/a"], leftOut: ["a", "b/a", "b/c/a"], kept: ["ba"] },
  { patterns: ["a**/**/b"], leftOut: ["ab", "a/b", "ax/y/b"], kept: ["b", "b/a"] },
  { patterns: ["****"], leftOut: ["a", "a/b"], kept: [] },
  { patterns: ["a.b"], leftOut: ["a.b"], kept: ["axb"] },
  { patterns: ["ä?"], leftOut: ["äö"], kept: ["ä"] },
  { patterns: ["*.md", "!README.md"], leftOut: ["a.md"], kept: ["README.md"] },
  { patterns: ["!README.md", "*.md"], leftOut: ["a.md", "README.md"], kept: [] },
  { patterns: ["*", "!dist"], leftOut: ["a", "a/dist"], kept: ["dist", "dist/a"] },
  { patterns: ["*", "!/dist/"], leftOut: ["a"], kept: ["dist", "dist/a"] },
  { patterns: ["dist", "! dist/keep"], leftOut: ["dist", "dist/a"], kept: ["dist/keep", "dist/keep/a"] },
  { patterns: ["dist", "!dist/keep", "dist/keep/no"], leftOut: ["dist/keep/no"], kept: ["dist/keep"] },
  { patterns: ["**", "!**/*.js"], leftOut: ["a", "a/b"], kept: ["a.js", "a/b.js"] },
];

describe("patterns of what is left out", () => {
  it.each(cases)("$patterns leave out $leftOut, and keep $kept", ({ patterns, leftOut, kept }) => {
    const excludes = new ExcludePatterns(patterns);
    const all = [...leftOut, ...kept];
    expect(all.filter((path) => excludes.excludes(bytesOfText(path)))).toEqual(leftOut);
  });

  it.each(["[", "a[", "[]a]", "a\\", "a/[b-"])("refuse %s", (pattern) => {
    expect(() => new ExcludePatterns([pattern])).toThrow(/malformed pattern/);
  });

  it("know in which directories an exception may keep something", () => {
    const keeping = (patterns: string[], directories: string[]): string[] => {
      const excludes = new ExcludePatterns(patterns);
      return directories.filter((directory) => excludes.mayKeepBelow(bytesOfText(directory)));
    };
    const directories = ["a", "a/b", "a/b/c", "ab", "d"];
    expect(keeping(["*", "a"], directories)).toEqual([]);
    expect(keeping(["*", "!a/b"], directories)).toEqual(["a", "a/b", "a/b/c"]);
    expect(keeping(["*", "!a/b/*.js"], directories)).toEqual(["a", "a/b", "a/b/c"]);
    expect(keeping(["*", "!**/x"], directories)).toEqual(directories);
  });
});
