import { parseDigest } from "../../model/digest.ts";
import { formatPlatform, type Platform } from "../../model/platform.ts";
import { agePattern, parseAge } from "../../plan/age.ts";
import { joinPlatforms, type PlatformChoice, parsePlatforms } from "../../plan/platforms.ts";
import { within } from "../../plan/within.ts";
import { list, object, oneOrMore } from "../yaml/collection-shapes.ts";
import { type Located, placeName } from "../yaml/located.ts";
import { count, text, truth, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";
import { hostsShape } from "./host-shape.ts";
import { mapRuleShape } from "./map-rule-shape.ts";
import { sourceNameShape } from "./source-name-shape.ts";
import { tagRuleShape } from "./tag-rule-shape.ts";
import { targetPathShape } from "./target-path-shape.ts";

const platforms: Shape<PlatformChoice> = refined(
  oneOrMore(text("a platform", parsePlatforms), "a list of platforms, or all"),
  (choices, value) => {
    const joined = joinPlatforms(choices, placeName(value));
    return joined === "all" ? joined : distinct(joined);
  },
);

const digest = text("a digest", (digits, what) => within(what, () => parseDigest(digits)), {
  pattern: "^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$",
});

const repositoryObject = object(
  {
    name: described(
      "Repository: [registry/]path. With :tag or @digest it is that image alone.",
      sourceNameShape,
    ),
    tags: described(
      'Which tags are meant: names, patterns, and mappings with glob, regex or semver; "*" is every tag.',
      list(tagRuleShape, "a list of tags", 1),
    ),
    exclude: described(
      "Which of the tags that patterns match are left out; rules as for tags.",
      list(tagRuleShape, "a list of tags"),
    ),
    digests: described(
      "Manifests that are meant, whatever names them.",
      list(digest, "a list of digests", 1),
    ),
    latest: described(
      "Of the tags that patterns match, so many of the newest.",
      count("a whole number of at least 1", Number, 1),
    ),
    maxAge: described(
      "Of the tags that patterns match, those whose images were created at most so long ago: 90d, 12w, 36h.",
      word("an age", parseAge, { pattern: agePattern }),
    ),
    platforms: described("Platforms of indexes that are mirrored; all for every one.", platforms),
    referrers: described("Whether signatures, attestations and the like come along. By default true.", truth),
    as: described("Path at the destination; neither map nor prefix change it.", targetPathShape),
  },
  "a mapping with name and tags",
  ["name"],
);

/** An item of `repositories` as it is written, and where. */
export type FileRepository = ReturnType<typeof repositoryObject.read> & {
  readonly value: Located;
};

/** A document of `mirror.yaml`: every key, how it is read, and what editors are told of it. */
export const mirrorFileShape = object(
  {
    repositories: described(
      "What is mirrored.",
      list(
        refined(repositoryObject, (repository, value): FileRepository => ({ ...repository, value })),
        "a list of repositories",
        1,
      ),
    ),
    map: described(
      "What repositories without as are called at the destination: the first rule that fits counts; without one, the path without its registry.",
      list(mapRuleShape, "a list of rules"),
    ),
    prefix: described(
      "What goes before the path at the destination of all repositories without as.",
      targetPathShape,
    ),
    platforms: described("Platforms of the repositories that do not say theirs. By default all.", platforms),
    referrers: described(
      "Whether signatures, attestations and the like come along, where a repository does not say it.",
      truth,
    ),
    hosts: described("What registries may be asked for, by host; * is for all others.", hostsShape),
  },
  "a mapping with repositories",
  ["repositories"],
);

function distinct(platforms: readonly Platform[]): readonly Platform[] {
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}
