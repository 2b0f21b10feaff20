import fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import type { MirroredName } from "../../../src/mirror/far-side/mirrored-name.ts";
import { registriesConf } from "../../../src/mirror/far-side/registries-conf.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { formatReference, parseReference } from "../../../src/model/reference.ts";
import { pullPlaces } from "../../../src/store/registry/hosts/pull-places.ts";
import { parseRegistriesConf } from "../../../src/store/registry/hosts/registries-conf.ts";
import { mirror, namesOf } from "./support.ts";

/** The entries, as `prefix > mirror`. */
function entriesOf(names: readonly MirroredName[]): string[] {
  return parseRegistriesConf(registriesConf(names, mirror), "registries.conf", expect.unreachable).map(
    ({ prefix, mirrors }) => `${prefix} > ${mirrors.map(({ location }) => location).join()}`,
  );
}

test("is what containers-registries.conf(5) describes", () => {
  const names = namesOf("docker.io/library/debian > hub/library/debian", "Quay.io/team/app > app");
  const text = registriesConf(names, { ...mirror, insecure: true });
  expect(text).toBe(`# What is mirrored is read from the mirror.

[[registry]]
prefix = "docker.io/library/debian"
location = "docker.io/library/debian"

[[registry.mirror]]
location = "mirror.example:5000/hub/library/debian"
insecure = true

[[registry]]
prefix = "quay.io/team/app"
location = "quay.io/team/app"

[[registry.mirror]]
location = "mirror.example:5000/app"
insecure = true
`);
  expect(parse(text).registry).toHaveLength(2);
  expect(registriesConf([], mirror)).toBe("# What is mirrored is read from the mirror.\n");
});

describe("has as few entries as say it exactly", () => {
  test.each([
    ["none for nothing", [], []],
    ["one for one", ["a.example/x/y > m/y"], ["a.example/x/y > mirror.example:5000/m/y"]],
    [
      "one for what has a path in common on both sides",
      ["a.example/x/y > m/x/y", "a.example/x/z > m/x/z"],
      ["a.example/x > mirror.example:5000/m/x"],
    ],
    [
      "one for a whole registry at a path",
      ["a.example/x/y > b/x/y", "a.example/z > b/z"],
      ["a.example > mirror.example:5000/b"],
    ],
    [
      "one for a whole registry at the root",
      ["a.example/x/y > x/y", "a.example/z > z"],
      ["a.example > mirror.example:5000"],
    ],
    [
      "one more for what is elsewhere",
      ["a.example/x/y > m/x/y", "a.example/x/z > other", "a.example/x/v > m/x/v"],
      ["a.example/x > mirror.example:5000/m/x", "a.example/x/z > mirror.example:5000/other"],
    ],
    [
      "one for each where no two go together",
      ["a.example/x > q", "a.example/y > r"],
      ["a.example/x > mirror.example:5000/q", "a.example/y > mirror.example:5000/r"],
    ],
    [
      "one for a repository and those below it",
      ["a.example/x > m", "a.example/x/y > m/y", "a.example/x/y/z > m/y/z"],
      ["a.example/x > mirror.example:5000/m"],
    ],
    [
      "none for what the mirror has under its own name",
      ["mirror.example:5000/x > x", "mirror.example:5000/y > z"],
      ["mirror.example:5000/y > mirror.example:5000/z"],
    ],
    [
      "more than the fewest where others' images are in the way",
      ["a.example/x > x", "a.example/y > y", "b.example/z > z"],
      [
        "a.example/x > mirror.example:5000/x",
        "a.example/y > mirror.example:5000/y",
        "b.example/z > mirror.example:5000/z",
      ],
    ],
  ])("%s", (_, lines, entries) => {
    expect(entriesOf(namesOf(...lines))).toEqual(entries);
    expect(entriesOf(namesOf(...lines.toReversed()))).toEqual(entries);
  });
});

test.each([
  [["a.example/x > q", "a.example/x > r"], "USAGE", /^a\.example\/x is mirrored to both q and r$/],
  [
    ["a.example/x > q", "b.example/y > q/z"],
    "USAGE",
    /^a\.example\/x is mirrored to q, and q\/z is another repository's: who asks for a\.example\/x\/z would get that$/,
  ],
  [['a.example/x > q"'], "REFERENCE_INVALID", /is no repository$/],
  [["a.example/X > q"], "REFERENCE_INVALID", /is no repository$/],
  [["a_b/x > q"], "REFERENCE_INVALID", /^"a_b" is not a registry's name$/],
])("names that no rules can tell apart, or are none, are refused: %j", (lines, code, message) => {
  expect(() => registriesConf(namesOf(...lines), mirror)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test("a mirror that is no host is refused", () => {
  expect(() => registriesConf([], { registry: "mirror.example/path" })).toThrow(/is not a registry's host$/);
});

const part = fc.constantFrom("a", "b", "c", "a-b");
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const registry = fc.constantFrom("one.example", "two.example:5000", "three.example");
const source = fc.record({ registry, repository: path });
/** Most are put below a path, as they are; some anywhere. */
const mirrored = fc
  .uniqueArray(source, { minLength: 1, maxLength: 12, selector: (name) => JSON.stringify(name) })
  .chain((sources) =>
    fc
      .tuple(
        ...sources.map((name) =>
          fc.oneof(
            { weight: 6, arbitrary: fc.constant(`${name.registry.split(".", 1)[0]}/${name.repository}`) },
            { weight: 1, arbitrary: path },
          ),
        ),
      )
      .map((targets) => sources.map((name, i): MirroredName => ({ ...name, target: targets[i] ?? "" }))),
  );
const suffix = fc.constantFrom(":1", `@sha256:${"a".repeat(64)}`, `:1@sha256:${"b".repeat(64)}`);

test("every name leads to its target first, and a name that is not mirrored to nobody else's", () => {
  let refused = 0;
  fc.assert(
    fc.property(mirrored, fc.array(source), suffix, (names, others, end) => {
      let text: string;
      try {
        text = registriesConf(names, mirror);
      } catch (error) {
        if (!(error instanceof ComposeImageError) || error.code !== "USAGE") throw error;
        refused += 1;
        return;
      }
      const rules = parseRegistriesConf(text, "registries.conf", expect.unreachable);
      const placesOf = ({ registry, repository }: Omit<MirroredName, "target">) =>
        pullPlaces(parseReference(`${registry}/${repository}${end}`), rules).places;
      for (const name of names) {
        const [first, last] = placesOf(name);
        expect(first).toMatchObject({
          ...{ isMirror: true, insecure: false },
          reference: { registry: mirror.registry, repository: name.target },
        });
        expect(formatReference(last?.reference ?? parseReference("none"))).toBe(
          formatReference(parseReference(`${name.registry}/${name.repository}${end}`)),
        );
      }
      const known = new Set(names.map((name) => `${name.registry}/${name.repository}`));
      const targets = new Set(names.map(({ target }) => target));
      for (const other of others.filter((name) => !known.has(`${name.registry}/${name.repository}`))) {
        const places = placesOf(other);
        expect(places.at(-1)?.reference).toMatchObject({
          registry: other.registry,
          repository: other.repository,
        });
        for (const place of places.slice(0, -1)) expect(targets).not.toContain(place.reference.repository);
      }
      expect(rules.length).toBeLessThanOrEqual(names.length);
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeLessThan(250);
});
