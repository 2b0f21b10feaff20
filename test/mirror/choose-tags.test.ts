import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMirrorFile } from "../../src/frontends/mirror-file/mirror-file.ts";
import { chooseTags, needsListing } from "../../src/mirror/choose-tags.ts";
import type { MirrorRepository } from "../../src/plan/mirror-plan.ts";

function repository(keys: string): MirrorRepository {
  const [only] = parseMirrorFile(`repositories: [{name: registry.example/app, ${keys}}]`, {
    name: "f",
  }).repositories;
  if (only === undefined) throw new Error("no repository");
  return only;
}

const chosen = (keys: string, listed: readonly string[]): readonly string[] =>
  chooseTags(repository(keys), listed).tags;

const hex = "0".repeat(64);

describe("the choice of tags", () => {
  it.each<[what: string, keys: string, listed: string[], tags: string[]]>([
    ["names, listed or not", "tags: [b, a]", [], ["a", "b"]],
    ["what wildcards match", 'tags: ["1.?", "*-slim"]', ["1.1", "1.10", "12-slim", "x"], ["1.1", "12-slim"]],
    ["every tag", 'tags: ["*"]', ["b", "a"], ["a", "b"]],
    ["whole tags by expressions", 'tags: [{regex: "[0-9]+"}]', ["1", "12", "v1", "1a"], ["1", "12"]],
    ["either of an expression's choices", "tags: [{regex: a|b}]", ["a", "b", "ab", "xb"], ["a", "b"]],
    [
      "versions in a range",
      'tags: [{semver: ">=1.2 <2"}]',
      ["1.1", "1.2", "v1.3.0", "1.4.0-rc1", "2.0.0", "2.0.0-rc1", "latest", "20240101"],
      ["1.2", "v1.3.0"],
    ],
    [
      "versions with a suffix, if so said",
      'tags: [{semver: ">=1.2 <2", prereleases: true}]',
      ["1.2", "1.4.0-rc1", "1.4-alpine", "2.0.0-rc1"],
      ["1.2", "1.4-alpine", "1.4.0-rc1"],
    ],
    [
      "versions with leading zeros",
      'tags: [{semver: ">=22.04 <24"}]',
      ["20.04", "22.04", "23.10"],
      ["22.04", "23.10"],
    ],
    [
      "not what is excluded",
      'tags: ["*"], exclude: ["*-debug", {regex: "v[0-9]"}]',
      ["a", "a-debug", "v1", "v12"],
      ["a", "v12"],
    ],
    ["the newest", 'tags: ["1.*"], latest: 2', ["1.9", "1.10", "1.8", "2.0"], ["1.10", "1.9"]],
    [
      "the newest of all patterns together",
      'tags: ["1.*", "2.*"], latest: 2',
      ["1.9", "2.0", "1.10"],
      ["1.10", "2.0"],
    ],
    [
      "the newest of what is not excluded",
      'tags: ["1.*"], exclude: ["1.10"], latest: 1',
      ["1.9", "1.10"],
      ["1.9"],
    ],
    [
      "the newest beside the named ones",
      'tags: ["1.*", "1.10", stable], latest: 1',
      ["1.9", "1.10", "1.8"],
      ["1.10", "1.9", "stable"],
    ],
    ["each once", 'tags: ["a*", {regex: "a+"}, aa]', ["a", "aa"], ["a", "aa"]],
    [
      "no tags of referrers by patterns",
      'tags: ["*"]',
      ["a", `sha256-${hex}`, `sha256-${hex}.sig`, `sha256-${hex}.att`, "sha256-abc"],
      ["a", "sha256-abc"],
    ],
    [
      "nothing that is no tag, whatever a registry lists",
      'tags: ["*"]',
      ["a", "../b", "c/d", "", "a:b"],
      ["a"],
    ],
    ["tags of referrers by their names", `tags: [sha256-${hex}.sig]`, [], [`sha256-${hex}.sig`]],
  ])("has %s", (_, keys, listed, tags) => {
    const choice = chooseTags(repository(keys), listed);
    expect(choice.tags).toEqual(tags);
    expect(choice.faults).toEqual([]);
  });

  it("tells named tags from matched ones", () => {
    const { named } = chooseTags(repository('tags: [a, "b*"]'), ["a", "b", "bb"]);
    expect([...named]).toEqual(["a"]);
  });

  it("does not depend on the order in which tags are listed", () => {
    const tag = fc.stringMatching(/^[a1v][a1.v-]{0,4}$/);
    fc.assert(
      fc.property(fc.uniqueArray(tag), fc.integer({ min: 1, max: 4 }), (tags, latest) => {
        const keys = `tags: ["*"], latest: ${latest}`;
        expect(chosen(keys, tags.toReversed())).toEqual(chosen(keys, tags));
        expect(chosen(keys, tags)).toHaveLength(Math.min(latest, tags.length));
      }),
    );
  });

  it.each([
    ["tags: [a, 1.10]", false],
    [`digests: ["sha256:${hex}"]`, false],
    ["tags: [a, {glob: b}]", true],
    ['tags: ["*"]', true],
  ])("of %s: needs a listing is %s", (keys, isNeeded) => {
    expect(needsListing(repository(keys))).toBe(isNeeded);
  });

  it("says which rules chose nothing, and why, and chooses by the others", () => {
    const keys = 'tags: [a, {regex: "v[0-9]+"}, "b*", {semver: ^1}, {glob: d}], exclude: [d]';
    const { tags, faults } = chooseTags(repository(keys), ["b1", "1.0.0-rc1", "d"]);
    expect(tags).toEqual(["a", "b1"]);
    expect(faults).toMatchObject([
      {
        code: "MANIFEST_NOT_FOUND",
        message:
          'f:1:55: repositories[0].tags[1]: regex "v[0-9]+" matches none of the 3 tags of registry.example/app',
        hint: expect.stringContaining("whole tag"),
      },
      {
        message:
          'f:1:81: repositories[0].tags[3]: semver "^1" matches none of the 3 tags of registry.example/app',
        hint: expect.stringContaining("prereleases: true"),
      },
      {
        message:
          'f:1:95: repositories[0].tags[4]: glob "d" matches tags of registry.example/app that exclude leaves out, and no other',
        hint: expect.stringContaining("exclude less"),
      },
    ]);
  });

  it("says that there are no tags", () => {
    const { tags, faults } = chooseTags(repository('tags: ["*"]'), [`sha256-${hex}.sig`]);
    expect(tags).toEqual([]);
    expect(faults).toMatchObject([
      {
        message:
          'f:1:52: repositories[0].tags[0]: glob "*" matches nothing: registry.example/app has no tags',
      },
    ]);
  });
});
