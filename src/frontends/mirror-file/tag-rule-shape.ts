import { isTag } from "../../model/reference.ts";
import type { PlacedTagRule } from "../../plan/mirror-plan.ts";
import { parseTagExpression } from "../../plan/tag-expression.ts";
import { isTagGlob, parseTagGlob } from "../../plan/tag-glob.ts";
import { parseVersionRange } from "../../plan/version-range.ts";
import { mappingOr, object } from "../yaml/collection-shapes.ts";
import { faultAt, type Located, placeName } from "../yaml/located.ts";
import { text, truth, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";

const globFields = {
  glob: described(
    "Pattern for whole tags: * is any characters, ? is one.",
    text("a pattern", (pattern, what) => {
      parseTagGlob(pattern, what);
      return pattern;
    }),
  ),
};

const regexFields = {
  regex: described(
    "Regular expression for whole tags, without lookaround and back-references.",
    text("a regular expression", (pattern, what) => {
      parseTagExpression(pattern, what);
      return pattern;
    }),
  ),
};

const semverFields = {
  semver: described(
    "Range of versions as npm has them; a leading v of tags does not count.",
    word("a range of versions", (range, what) => {
      parseVersionRange(range, what, false);
      return range;
    }),
  ),
  prereleases: described(
    "Whether versions with a suffix are in the range as others are: 1.2.3-rc1, 1.2.3-alpine.",
    truth,
  ),
};

const wanted = "a mapping with glob, regex or semver";
const ruleObject = object({ ...globFields, ...regexFields, ...semverFields }, wanted);

const kinds = ["glob", "regex", "semver"] as const;

const ruleMapping: Shape<PlacedTagRule> = {
  wanted,
  schema: {
    anyOf: [
      object(globFields, wanted, ["glob"]).schema,
      object(regexFields, wanted, ["regex"]).schema,
      object(semverFields, wanted, ["semver"]).schema,
    ],
  },
  read: (value) => {
    const { glob, regex, semver, prereleases } = ruleObject.read(value);
    const place = placeName(value);
    const given = kinds.filter((kind) => value.kind === "map" && value.entries.has(kind));
    if (given.length > 1) {
      throw faultAt(
        value,
        `has ${given.join(" and ")}`,
        "Write an item of its own for each; each adds tags.",
      );
    }
    if (prereleases !== undefined && semver === undefined) {
      throw faultAt(value, "has prereleases and no semver", "It goes with semver: RANGE alone.");
    }
    if (glob !== undefined) return { kind: "glob", pattern: glob, place };
    if (regex !== undefined) return { kind: "regex", pattern: regex, place };
    if (semver !== undefined)
      return { kind: "semver", range: semver, prereleases: prereleases ?? false, place };
    throw faultAt(value, "says no tags", "Write glob:, regex: or semver:, or a tag alone.");
  },
};

const ruleWord: Shape<PlacedTagRule> = refined(
  word("a tag", (tag) => tag, {
    pattern: "^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|[A-Za-z0-9_.*?-]*[*?][A-Za-z0-9_.*?-]*)$",
  }),
  (tag, value): PlacedTagRule => {
    const place = placeName(value);
    if (isTagGlob(tag)) {
      parseTagGlob(tag, place);
      return { kind: "glob", pattern: tag, place };
    }
    if (!isTag(tag)) throw noTag(tag, value);
    return { kind: "name", name: tag, place };
  },
);

/** Which tags are meant: one by its name, those of a pattern, or a mapping that says what kind of pattern it is. */
export const tagRuleShape: Shape<PlacedTagRule> = mappingOr(
  ruleMapping,
  ruleWord,
  "a tag, or a mapping with glob, regex or semver",
);

function noTag(tag: string, value: Located): Error {
  const hint = /^sha(?:256|512):/.test(tag)
    ? "Digests go under digests:."
    : /[\^$[\](){}|+\\<>=~ ]/.test(tag)
      ? "Write regex: for an expression, semver: for a range of versions."
      : "A tag has letters, digits, _ . - and at most 128 characters, and does not begin with . or -.";
  return faultAt(value, `${JSON.stringify(tag.slice(0, 200))} is no tag`, hint);
}
