import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatMirrorLock, parseMirrorLock } from "../../../src/frontends/mirror-file/lock-file.ts";
import { expectLockFits } from "../../../src/frontends/mirror-file/lock-fits.ts";
import { parseMirrorFile } from "../../../src/frontends/mirror-file/mirror-file.ts";
import { type Digest, parseDigest } from "../../../src/model/digest.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import type { LockedImage } from "../../../src/plan/mirror-plan.ts";

const digestOfDigit = (digit: string): Digest => parseDigest(`sha256:${digit.repeat(64)}`);
const [a, b, c] = ["a", "b", "c"].map(digestOfDigit) as [Digest, Digest, Digest];

function image(name: string, digest: Digest, more: Partial<LockedImage> = {}): LockedImage {
  const [repository = "", tag] = name.split(":");
  return {
    registry: "registry.example",
    repository,
    target: repository,
    tag,
    digest,
    referrers: [],
    ...more,
  };
}

const text = `{
  "version": 1,
  "images": [
    {"target":"app","digest":"${c}","registry":"registry.example","repository":"app","referrers":[]},
    {"target":"app","tag":"1.10","digest":"${a}","registry":"registry.example","repository":"app","referrers":["${b}","${c}"]},
    {"target":"tool","tag":"x","digest":"${b}","registry":"registry.example","repository":"tool","referrers":[]}
  ]
}
`;
const images = [image("app", c), image("app:1.10", a, { referrers: [b, c] }), image("tool:x", b)];

/** The text with something else in the place of what is there. */
const changed = (from: string, to: string): string => {
  expect(text).toContain(from);
  return text.replace(from, to);
};

describe("a lock file", () => {
  it("has a line for each image, and ends with a newline", () => {
    expect(formatMirrorLock({ images })).toBe(text);
    expect(formatMirrorLock({ images: [] })).toBe('{\n  "version": 1,\n  "images": []\n}\n');
  });

  it("is the same whatever order images and referrers come in, and is read back", () => {
    const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => parseDigest(`sha256:${hex}`));
    const any = fc.record({
      registry: fc.constantFrom("docker.io", "registry.example:5000", "[::1]:5000"),
      repository: fc.stringMatching(/^[a-z]{1,3}(\/[a-z]{1,3})?$/),
      target: fc.stringMatching(/^[a-z]{1,3}(\/[a-z]{1,3})?$/),
      tag: fc.option(fc.stringMatching(/^[\w][\w.-]{0,5}$/), { nil: undefined }),
      digest,
      referrers: fc.uniqueArray(digest, { maxLength: 3 }).map((digests) => digests.toSorted()),
    });
    const selector = ({ target, tag, digest: own }: LockedImage) => `${target}:${tag ?? own}`;
    fc.assert(
      fc.property(fc.uniqueArray(any, { selector, maxLength: 8 }), (some) => {
        const written = formatMirrorLock({ images: some });
        const otherwise = some
          .toReversed()
          .map((each) => ({ ...each, referrers: each.referrers.toReversed() }));
        expect(formatMirrorLock({ images: otherwise })).toBe(written);
        const read = parseMirrorLock(written, "l");
        expect(new Set(read.images)).toEqual(new Set(some));
        expect(formatMirrorLock(read)).toBe(written);
      }),
      { numRuns: 300 },
    );
  });

  it("may be laid out otherwise by hand", () => {
    const { version, images: lines } = JSON.parse(text);
    expect(parseMirrorLock(JSON.stringify({ images: lines.reverse(), version }, null, 8), "l")).toEqual({
      images,
    });
  });

  it.each<[wrong: string, message: string, hint: string]>([
    ["", "l is not JSON", "without --locked"],
    [`<<<<<<< HEAD\n${text}`, "l is not JSON", "merge conflict"],
    ["[]", "l is not a JSON object", "without --locked"],
    ["{}", "l: version is missing, and has to be 1", "without --locked"],
    [changed('"version": 1', '"version": 2'), "l: version is 2, and has to be 1", "Another version"],
    [
      changed('"version": 1,', '"version": 1, "x": 1,'),
      'l has the key "x", which is not known',
      "Known are version, images.",
    ],
    ['{"version": 1}', "l lacks the key images", "anew"],
    ['{"version": 1, "images": {}}', "l: images has to be a list", "anew"],
    ['{"version": 1, "images": [1]}', "l: images[0] has to be an object", "anew"],
    [changed(',"referrers":[]', ""), "l: images[0] lacks the key referrers", "anew"],
    [changed('"tag":"1.10"', '"tags":"1.10"'), 'l: images[1] has the key "tags"', "Did you mean tag?"],
    [changed('"tag":"1.10"', '"tag":1.1'), "l: images[1].tag is 1.1, which is not a tag", "anew"],
    [changed('"tag":"1.10"', '"tag":".x"'), 'l: images[1].tag is ".x", which is not a tag', "anew"],
    [
      changed(`"digest":"${a}"`, '"digest":"sha256:a"'),
      'l: images[1].digest is "sha256:a", which is not a digest',
      "64",
    ],
    [
      changed(`"referrers":["${b}"`, '"referrers":[1'),
      "l: images[1].referrers[0] is 1, which is not a digest",
      "64",
    ],
    [changed('"referrers":[]', '"referrers":{}'), "l: images[0].referrers has to be a list", "anew"],
    [
      changed('"target":"tool"', '"target":"Tool"'),
      'l: images[2].target is "Tool", which is not a repository',
      "anew",
    ],
    [changed('"registry":"registry.example"', '"registry":"a b"'), 'l: images[0].registry is "a b"', "anew"],
    [changed('"repository":"tool"', '"repository":null'), "l: images[2].repository is null", "anew"],
    [
      changed('"target":"tool","tag":"x"', '"target":"app","tag":"1.10"'),
      "l: images[2] is app:1.10, which images[1] is already",
      "Leave one",
    ],
  ])("that is wrong is refused with its place: %#", (wrong, message, hint) => {
    expect(() => parseMirrorLock(wrong, "l")).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});

describe("a lock file with any accident in it", () => {
  it("is read, or refused by its name", () => {
    const accident = fc.record({
      at: fc.nat(text.length),
      removed: fc.nat(8),
      put: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom('"', "{}", "[]", "null", "1", ",", "__proto__"),
      ),
    });
    fc.assert(
      fc.property(accident, ({ at, removed, put }) => {
        try {
          parseMirrorLock(text.slice(0, at) + put + text.slice(at + removed), "l");
        } catch (error) {
          expect(error).toBeInstanceOf(ComposeImageError);
          expect(error).toMatchObject({ code: "USAGE", message: expect.stringMatching(/^l(?::| )/) });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a lock file and the file it belongs to", () => {
  const check = (keys: string, locked: readonly LockedImage[]): void =>
    expectLockFits({ images: locked }, parseMirrorFile(`repositories: [${keys}]`), {
      lock: "mirror.lock.json",
      file: "mirror.yaml",
    });
  const app = (keys: string): string => `{name: registry.example/app, ${keys}}`;

  it.each([
    [app('tags: ["1.*"], latest: 3'), [image("app:1.10", a), image("app:1.9", b)]],
    [app(`tags: [x], digests: ["${c}"]`), [image("app:x", a), image("app", c)]],
    [app('tags: ["*", x], latest: 1'), [image("app:x", a), image("app:y", a)]],
  ])("fit: %s", (keys, locked) => {
    expect(() => check(keys, locked)).not.toThrow();
  });

  it.each([
    [
      "a repository that is new",
      `${app("tags: [x]")}, {name: debian, tags: [a]}`,
      [image("app:x", a)],
      "it lacks docker.io/library/debian",
    ],
    ["a tag that is new", app("tags: [x, y]"), [image("app:x", a)], "it lacks registry.example/app:y"],
    [
      "a digest that is new",
      app(`tags: [x], digests: ["${c}"]`),
      [image("app:x", a)],
      `it lacks registry.example/app@${c}`,
    ],
    [
      "a repository that is gone",
      app("tags: [x]"),
      [image("app:x", a), image("tool:x", b)],
      "it has registry.example/tool, which the file does not choose",
    ],
    [
      "a tag that is gone",
      app("tags: [x]"),
      [image("app:x", a), image("app:y", a)],
      "it has registry.example/app:y, which",
    ],
    [
      "a digest that is gone",
      app("tags: [x]"),
      [image("app:x", a), image("app", b)],
      `it has registry.example/app@${b}, which`,
    ],
    [
      "a tag that is excluded",
      app("tags: ['*'], exclude: [y]"),
      [image("app:x", a), image("app:y", a)],
      "it has registry.example/app:y, which",
    ],
    [
      "more than the newest",
      app("tags: ['*'], latest: 1"),
      [image("app:9", a), image("app:10", a)],
      "it has registry.example/app:9, which",
    ],
    [
      "another path",
      app("tags: [x], as: b"),
      [image("app:x", a)],
      "it puts elsewhere registry.example/app (to app, and not b)",
    ],
    [
      "several",
      app("tags: [x]"),
      [image("tool:x", a)],
      "it lacks registry.example/app; it has registry.example/tool, which",
    ],
    [
      "many",
      app("tags: [x]"),
      ["x", ..."abcdefghijkl"].map((tag) => image(`app:${tag}`, a)),
      "registry.example/app:i, registry.example/app:j and 2 more, which",
    ],
  ])("do not for %s", (_, keys, locked, message) => {
    const wanted = expect.objectContaining({
      code: "USAGE",
      message: expect.stringMatching(/^mirror\.lock\.json does not fit mirror\.yaml: /),
      hint: expect.stringContaining("without --locked"),
    });
    expect(() => check(keys, locked)).toThrow(wanted);
    expect(() => check(keys, locked)).toThrow(message);
  });
});
