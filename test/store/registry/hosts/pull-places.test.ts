import { describe, expect, test } from "vitest";
import { formatReference, parseReference } from "../../../../src/model/reference.ts";
import { pullPlaces } from "../../../../src/store/registry/hosts/pull-places.ts";
import { parseRegistriesConf } from "../../../../src/store/registry/hosts/registries-conf.ts";

const digest = `sha256:${"a".repeat(64)}`;

function placesOf(conf: string, reference: string): string[] {
  const rules = parseRegistriesConf(conf, "registries.conf", () => {});
  return pullPlaces(parseReference(reference), rules).places.map(
    (place) =>
      `${formatReference(place.reference)}${place.insecure ? " insecure" : ""}${place.isMirror ? " mirror" : ""}`,
  );
}

const mirrored = `
  [[registry]]
  prefix = "example.com/foo"
  location = "internal.example/bar"
  mirror = [
    { location = "mirror-0.example/for-foo" },
    { location = "mirror-1.example:5000/foo", insecure = true },
  ]`;

test("mirrors are asked in their order, then the location", () => {
  expect(placesOf(mirrored, "example.com/foo/image:1")).toEqual([
    "mirror-0.example/for-foo/image:1 mirror",
    "mirror-1.example:5000/foo/image:1 insecure mirror",
    "internal.example/bar/image:1",
  ]);
});

test("a digest goes along", () => {
  expect(placesOf(mirrored, `example.com/foo@${digest}`).at(-1)).toBe(`internal.example/bar@${digest}`);
});

test("an image that no rule is for is read from where its name says", () => {
  expect(placesOf(mirrored, "example.com/other:1")).toEqual(["example.com/other:1"]);
});

describe("a prefix", () => {
  const rule = (prefix: string) => `[[registry]]\nprefix = "${prefix}"\nlocation = "x.example/y"`;

  test.each([
    ["example.com", "example.com/a/b:1", "x.example/y/a/b:1"],
    ["EXAMPLE.com", "Example.COM/a:1", "x.example/y/a:1"],
    ["example.com/a", "example.com/a:1", "x.example/y:1"],
    ["example.com/a:1", "example.com/a:1", "x.example/y:latest"],
    ["docker.io/library", "debian:12", "x.example/y/debian:12"],
    ["*.example.com", "a.b.example.com/c:1", "x.example/y/c:1"],
  ])("%s is for %s, which is read from %s", (prefix, reference, place) => {
    expect(placesOf(rule(prefix), reference)).toEqual([place]);
  });

  test.each([
    ["example.com/a", "example.com/ab:1"],
    ["example.com", "example.com:5000/a:1"],
    ["example.com", "example.community/a:1"],
    ["example.com/a:1", "example.com/a:12"],
    ["*.example.com", "example.com/a:1"],
    ["*.example.com", "a.example.com:5000/a:1"],
  ])("%s is not for %s", (prefix, reference) => {
    expect(placesOf(rule(prefix), reference)).toEqual([reference]);
  });

  test("that is longer goes before a shorter one", () => {
    const conf = `
      [[registry]]
      location = "example.com"
      blocked = true
      [[registry]]
      prefix = "example.com/team"
      location = "internal.example/team"`;
    expect(placesOf(conf, "example.com/team/app:1")).toEqual(["internal.example/team/app:1"]);
    expect(placesOf(conf, "example.com/other:1")).toEqual([]);
  });
});

describe("mirrors for references of one kind", () => {
  const conf = `
    [[registry]]
    location = "example.com"
    mirror = [
      { location = "digests.example", pull-from-mirror = "digest-only" },
      { location = "tags.example", pull-from-mirror = "tag-only" },
      { location = "all.example", pull-from-mirror = "all" },
    ]`;

  test("are not asked for the other", () => {
    expect(placesOf(conf, "example.com/a:1")).toEqual([
      "tags.example/a:1 mirror",
      "all.example/a:1 mirror",
      "example.com/a:1",
    ]);
    expect(placesOf(conf, `example.com/a@${digest}`)).toEqual([
      `digests.example/a@${digest} mirror`,
      `all.example/a@${digest} mirror`,
      `example.com/a@${digest}`,
    ]);
  });
});

describe("what is blocked", () => {
  test("is not asked, but its mirrors are", () => {
    const conf = `
      [[registry]]
      location = "example.com"
      blocked = true
      mirror = [{ location = "mirror.example" }]`;
    expect(placesOf(conf, "example.com/a:1")).toEqual(["mirror.example/a:1 mirror"]);
  });

  test("is not asked either when another's location or mirror leads there", () => {
    const conf = `
      [[registry]]
      location = "bad.example"
      blocked = true
      [[registry]]
      prefix = "example.com"
      location = "bad.example/x"
      mirror = [{ location = "bad.example/y" }]`;
    expect(placesOf(conf, "example.com/a:1")).toEqual([]);
  });
});

test("a rule for *.host without a location leaves names as they are", () => {
  const conf = `
    [[registry]]
    prefix = "*.example.com"
    insecure = true
    mirror = [{ location = "mirror.example/all" }]`;
  expect(placesOf(conf, "a.example.com/b:1")).toEqual([
    "mirror.example/all/b:1 mirror",
    "a.example.com/b:1 insecure",
  ]);
});

test.each([
  ["x.example/Upper", "example.com/a:1"],
  ["mirror", "example.com/a:1"],
])("a location %s that makes no reference is an error", (location, reference) => {
  const conf = `[[registry]]\nprefix = "example.com"\nlocation = "${location}"`;
  expect(() => placesOf(conf, reference)).toThrow(
    expect.objectContaining({
      code: "USAGE",
      message: expect.stringContaining(`registries.conf makes "${location}/a:1" of ${reference}`),
    }),
  );
});
