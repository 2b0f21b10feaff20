import { expect, test } from "vitest";
import { parseRegistriesConf } from "../../../../src/store/registry/hosts/registries-conf.ts";

const file = "/etc/containers/registries.conf";
const read = (text: string, warnings: string[] = []) =>
  parseRegistriesConf(text, file, (message) => warnings.push(message));

test("a table says prefix, location, insecure, blocked and mirrors", () => {
  const text = `
    unqualified-search-registries = ["quay.io"]
    short-name-mode = "enforcing"
    [aliases]
    debian = "docker.io/library/debian"
    [[registry]]
    prefix = "Registry.example/team"
    location = "internal.example:5000/team/"
    insecure = true
    [[registry.mirror]]
    location = "mirror.example"
    [[registry.mirror]]
    location = "other.example/hub"
    insecure = true
    pull-from-mirror = "tag-only"
    [[registry]]
    location = "bad.example"
    blocked = true`;
  expect(read(text)).toEqual([
    {
      prefix: "registry.example/team",
      location: "internal.example:5000/team",
      insecure: true,
      blocked: false,
      mirrors: [
        { location: "mirror.example", insecure: false, pulls: "all" },
        { location: "other.example/hub", insecure: true, pulls: "tag-only" },
      ],
      file,
    },
    {
      prefix: "bad.example",
      location: "bad.example",
      insecure: false,
      blocked: true,
      mirrors: [],
      file,
    },
  ]);
});

test("mirror-by-digest-only is a word for all mirrors of a table", () => {
  const text = `
    [[registry]]
    location = "a.example"
    mirror-by-digest-only = true
    mirror = [{ location = "m.example" }]`;
  expect(read(text)[0]?.mirrors).toEqual([{ location: "m.example", insecure: false, pulls: "digest-only" }]);
});

test("a rule for *.host needs no location", () => {
  expect(read('[[registry]]\nprefix = "*.example.com"\nblocked = true')).toMatchObject([
    { prefix: "*.example.com", location: undefined, blocked: true },
  ]);
});

test("the lists of the first version are rules, too", () => {
  const text = `
    [registries.search]
    registries = ["docker.io"]
    [registries.insecure]
    registries = ["plain.example:5000", "both.example"]
    [registries.block]
    registries = ["both.example"]`;
  expect(read(text)).toMatchObject([
    { prefix: "plain.example:5000", insecure: true, blocked: false },
    { prefix: "both.example", insecure: true, blocked: true },
  ]);
});

test("a key nobody knows is warned of", () => {
  const warnings: string[] = [];
  read('[[registry]]\nlocation = "a.example"\nblockd = true', warnings);
  expect(warnings).toEqual([`${file}: "blockd" in [[registry]] is not known and ignored`]);
});

test.each([
  ["[[registry]]\nlocation = ", `${file}:2:12: `],
  ["[[registry]]\nblocked = true", "neither prefix nor location"],
  ['[[registry]]\nprefix = "a.example"', '"a.example" has no location'],
  ['[[registry]]\nlocation = "https://a.example"', '"https://a.example" is no host[:port]'],
  ['[[registry]]\nlocation = "/"', '"/" is no host[:port]'],
  ["[[registry]]\nlocation = 5", "location is not a string"],
  ['[[registry]]\nlocation = "a.example"\nblocked = "yes"', "blocked is not true or false"],
  ['[[registry]]\nprefix = "*.example.com/foo"\nlocation = "a"', "a prefix with * can only be *.host"],
  ['[[registry]]\nprefix = "a.*.com"\nlocation = "a"', "a prefix with * can only be *.host"],
  ['[registry]\nlocation = "a"', "registry is written [[registry]]"],
  ['[[registry]]\nlocation = "a"\nmirror = ["b"]', "registry.mirror is written [[registry.mirror]]"],
  ['[[registry]]\nlocation = "a"\nmirror = [{ insecure = true }]', 'a mirror of "a" has no location'],
  [
    '[[registry]]\nlocation = "a"\nmirror = [{ location = "b", pull-from-mirror = "never" }]',
    'pull-from-mirror is all, digest-only or tag-only, not "never"',
  ],
  [
    '[[registry]]\nlocation = "a"\nmirror-by-digest-only = true\nmirror = [{ location = "b", pull-from-mirror = "all" }]',
    '"a" has both mirror-by-digest-only and pull-from-mirror',
  ],
])("%j is an error that names the file and the fault", (text, fault) => {
  expect(() => read(text)).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.stringContaining(fault) }),
  );
  expect(() => read(text)).toThrow(file);
});
