import fc from "fast-check";
import { expect, test } from "vitest";
import { type MirrorRule, mirrorRules } from "../../../src/mirror/far-side/mirror-rules.ts";
import { joinPath, type MirroredName, withoutEnd } from "../../../src/mirror/far-side/mirrored-name.ts";
import { Occupied } from "../../../src/mirror/far-side/occupied.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { mirror } from "./support.ts";

type Rule = Pick<MirrorRule, "path" | "target">;

/** Where the rule for the longest path leads. */
function targetOf(repository: string, rules: readonly Rule[]): string | undefined {
  const fitting = rules.filter(
    ({ path }) => path === "" || repository === path || repository.startsWith(`${path}/`),
  );
  const [rule] = fitting.sort((a, b) => b.path.length - a.path.length);
  if (rule === undefined) return undefined;
  const rest = rule.path === "" ? repository : repository.slice(rule.path.length + 1);
  return joinPath(rule.target, rest);
}

/** Every rule that is right for one name at least, and wrong for nobody. */
function possibleRules(names: readonly MirroredName[]): Rule[] {
  const occupied = new Occupied(names);
  const rules = new Map<string, Rule>();
  for (const { registry, repository, target } of names) {
    const parts = repository.split("/");
    for (let length = 0; length <= parts.length; length += 1) {
      const path = parts.slice(0, length).join("/");
      const above = withoutEnd(target, parts.slice(length).join("/"));
      if (above === undefined || occupied.mistakeOf(registry, path, above) !== undefined) continue;
      rules.set(`${path} ${above}`, { path, target: above });
    }
  }
  return [...rules.values()];
}

/** Whether some so many of the rules lead every name to its target. */
function suffice(count: number, possible: readonly Rule[], names: readonly MirroredName[]): boolean {
  const search = (from: number, chosen: readonly Rule[]): boolean => {
    if (chosen.length === count)
      return names.every(({ repository, target }) => targetOf(repository, chosen) === target);
    return possible.some(
      (rule, i) =>
        i >= from && chosen.every(({ path }) => path !== rule.path) && search(i + 1, [...chosen, rule]),
    );
  };
  return search(0, []);
}

const part = fc.constantFrom("a", "b", "c");
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const mirrored = fc
  .dictionary(path, fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, path), {
    minKeys: 1,
    maxKeys: 5,
  })
  .map((targets) =>
    Object.entries(targets).map(
      ([repository, target]): MirroredName => ({
        ...{ registry: "a.example", repository },
        target: target ?? `m/${repository}`,
      }),
    ),
  );

test("the rules lead every name to its target, and no fewer rules could", () => {
  let several = 0;
  fc.assert(
    fc.property(mirrored, (names) => {
      let rules: readonly MirrorRule[];
      try {
        rules = mirrorRules(names, mirror);
      } catch (error) {
        expect(error).toBeInstanceOf(ComposeImageError);
        return;
      }
      for (const { repository, target } of names) expect(targetOf(repository, rules)).toBe(target);
      const possible = possibleRules(names);
      for (let count = 0; count < rules.length; count += 1)
        expect(suffice(count, possible, names)).toBe(false);
      if (rules.length > 1) several += 1;
    }),
    { numRuns: 500 },
  );
  expect(several).toBeGreaterThan(50);
});
