import type { MirrorRepository, PlacedTagRule } from "../../plan/mirror-plan.ts";
import type { PlatformChoice } from "../../plan/platforms.ts";
import { formatTagRule, tagMatcher } from "../../plan/tag-rule.ts";
import { faultAt, type Located, placeName } from "../yaml/located.ts";
import type { FileRepository } from "./file-shape.ts";
import { type MapRule, mappedTarget } from "./map-rule-shape.ts";
import type { SourceName } from "./source-name-shape.ts";
import { expectTarget } from "./target-path-shape.ts";

/** What a file says for all repositories. */
export interface FileDefaults {
  readonly map: readonly MapRule[];
  readonly prefix?: string | undefined;
  readonly platforms?: PlatformChoice | undefined;
  readonly referrers?: boolean | undefined;
}

/** A repository of the plan, and where it is written. */
export interface PlannedRepository {
  readonly repository: MirrorRepository;
  readonly value: Located;
}

/**
 * A repository of the file, with what the file says for all.
 *
 * @throws ComposeImageError `USAGE` for one that chooses nothing, and for keys that can have no effect.
 */
export function plannedRepository(file: FileRepository, defaults: FileDefaults): PlannedRepository {
  const { value, name, digests = [], latest, maxAge } = file;
  if (name === undefined) throw faultAt(value, "lacks the key name", "Write name: there.");
  expectChoice(file, name);
  const tags = [...nameRules(value, name), ...(file.tags ?? [])];
  const exclude = file.exclude ?? [];
  expectEffect(file, tags);
  expectNoneTwice(value, "tags", tags.map(formatTagRule));
  expectNoneTwice(value, "digests", digests);
  expectNoneExcluded(value, tags, exclude);
  const { registry, repository: path } = name;
  const mapped = mappedTarget(defaults.map, { registry, path });
  const target = file.as ?? (defaults.prefix === undefined ? mapped : `${defaults.prefix}/${mapped}`);
  expectTarget(target, value);
  const platforms = file.platforms ?? defaults.platforms ?? "all";
  return {
    value,
    repository: {
      place: placeName(value),
      registry,
      repository: path,
      target,
      tags,
      exclude,
      digests: name.digest === undefined ? digests : [name.digest],
      latest,
      maxAgeMs: maxAge,
      platforms: platforms === "all" ? undefined : platforms,
      referrers: file.referrers ?? defaults.referrers ?? true,
    },
  };
}

/**
 * Refuses a repository that comes twice, and two with one path at the destination.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectDistinct(planned: readonly PlannedRepository[]): void {
  const sources = new Map<string, Located>();
  const targets = new Map<string, PlannedRepository>();
  for (const each of planned) {
    const { value, repository } = each;
    const name = `${repository.registry}/${repository.repository}`;
    const former = sources.get(name);
    if (former !== undefined) {
      throw faultAt(
        entry(value, "name"),
        `${name} is at ${former.where} already`,
        "Write a repository once, with all of its tags in one list.",
      );
    }
    sources.set(name, value);
    const other = targets.get(repository.target);
    if (other !== undefined) {
      const { registry, repository: path } = other.repository;
      throw faultAt(
        value,
        `goes to ${repository.target}, and so does ${registry}/${path} at ${other.value.where}`,
        "Write as: with a path of its own, or map: with a path for each registry.",
      );
    }
    targets.set(repository.target, each);
  }
}

function expectChoice({ value, tags, digests, ...file }: FileRepository, name: SourceName): void {
  const isImage = name.tag !== undefined || name.digest !== undefined;
  if (!isImage && tags === undefined && digests === undefined) {
    throw faultAt(
      value,
      "does not say which tags are meant",
      'Write tags: with names or patterns; tags: ["*"] is every tag.',
    );
  }
  if (!isImage) return;
  const { exclude, latest, maxAge } = file;
  const [key] =
    Object.entries({ tags, digests, exclude, latest, maxAge }).find(([, given]) => given !== undefined) ?? [];
  if (key === undefined) return;
  throw faultAt(
    entry(value, "name"),
    `has a ${name.tag === undefined ? "digest" : "tag"}, and ${key} is there as well`,
    "Write the name without it, and all tags under tags:, all digests under digests:.",
  );
}

function nameRules(value: Located, { tag }: SourceName): PlacedTagRule[] {
  return tag === undefined ? [] : [{ kind: "name", name: tag, place: placeName(entry(value, "name")) }];
}

/** What chooses among the tags that patterns match has no effect without patterns: they were meant to be there. */
function expectEffect(
  { value, exclude, latest, maxAge }: FileRepository,
  tags: readonly PlacedTagRule[],
): void {
  if (tags.some(({ kind }) => kind !== "name")) return;
  const [key] = Object.entries({ exclude, latest, maxAge }).find(([, given]) => given !== undefined) ?? [];
  if (key === undefined) return;
  throw faultAt(
    entry(value, key),
    "has no effect: tags are chosen by their names alone",
    'It goes with patterns: tags: ["1.*"], or glob, regex and semver.',
  );
}

function expectNoneTwice(value: Located, key: string, items: readonly string[]): void {
  const at = items.findIndex((item, i) => items.indexOf(item) < i);
  if (at < 0) return;
  throw faultAt(itemOf(value, key, at), `says ${items[at]} again`, "Leave one of them out.");
}

/** A name that an exclusion takes away says one thing and its opposite. */
function expectNoneExcluded(
  value: Located,
  tags: readonly PlacedTagRule[],
  exclude: readonly PlacedTagRule[],
): void {
  for (const [i, rule] of exclude.entries()) {
    const matches = tagMatcher(rule, rule.place);
    const at = tags.findIndex((tag) => tag.kind === "name" && matches(tag.name));
    const named = tags[at];
    if (named?.kind !== "name") continue;
    throw faultAt(
      itemOf(value, "tags", at),
      `names ${named.name}, which exclude[${i}] leaves out`,
      "Leave the name out, or exclude less.",
    );
  }
}

function entry(value: Located, key: string): Located {
  return (value.kind === "map" ? value.entries.get(key)?.value : undefined) ?? value;
}

function itemOf(value: Located, key: string, at: number): Located {
  const list = entry(value, key);
  return (list.kind === "list" ? list.items[at] : undefined) ?? list;
}
