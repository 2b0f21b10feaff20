import { expect, test } from "vitest";
import { coversScopes, mergeScopes, repositoryScope } from "../../../../src/store/registry/auth/scope.ts";

test("scopes of the same resource become one with all actions, in a fixed order", () => {
  expect(
    mergeScopes(["repository:b:push,pull", "repository:a:pull repository:b:pull", "", "nonsense"]),
  ).toEqual(["repository:a:pull", "repository:b:pull,push"]);
});

test("writing includes reading", () => {
  const write = mergeScopes([repositoryScope("a", "push")]);
  const read = mergeScopes([repositoryScope("a", "pull")]);
  expect(coversScopes(write, read)).toBe(true);
  expect(coversScopes(read, write)).toBe(false);
  expect(coversScopes(write, mergeScopes([...read, repositoryScope("b", "pull")]))).toBe(false);
});
