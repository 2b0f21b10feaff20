import { ComposeImageError } from "../model/errors.ts";
import { isTag } from "../model/reference.ts";
import { subjectOfTag } from "../model/referrers.ts";
import type { MirrorRepository, PlacedTagRule } from "../plan/mirror-plan.ts";
import { formatTagRule, tagMatcher } from "../plan/tag-rule.ts";
import { compareTags } from "../plan/tag-version.ts";

/** Which of a repository's tags are meant. */
export interface TagChoice {
  /** Each once, in the order of their characters. */
  readonly tags: readonly string[];
  /** Those of them that the file names: they may be missing at the source, and their age does not count. */
  readonly named: ReadonlySet<string>;
  /** One for each rule that chose nothing, in the order of the rules; what other rules chose is chosen all the same. */
  readonly faults: readonly ComposeImageError[];
}

/** Whether the tags of the repository have to be listed: names and digests stand for themselves. */
export function needsListing({ tags }: MirrorRepository): boolean {
  return tags.some(({ kind }) => kind !== "name");
}

/**
 * Chooses tags by the rules of a repository. Patterns never match the tags of signatures and other referrers, which come
 * along with what they refer to, nor what a registry lists that is no tag. `latest` counts what patterns matched, all together, without what is excluded and what is
 * named; `maxAgeMs` is left to those who know the images.
 *
 * @param listed all tags of the repository, in any order; none where {@link needsListing} is false.
 */
export function chooseTags(repository: MirrorRepository, listed: readonly string[]): TagChoice {
  const { tags: rules, exclude, latest } = repository;
  const excluders = exclude.map((rule) => tagMatcher(rule, rule.place));
  const isExcluded = (tag: string): boolean => excluders.some((matches) => matches(tag));
  const candidates = listed.filter((tag) => isTag(tag) && subjectOfTag(tag) === undefined);
  const named = new Set<string>();
  const matched = new Set<string>();
  const faults: ComposeImageError[] = [];
  for (const rule of rules) {
    if (rule.kind === "name") {
      named.add(rule.name);
      continue;
    }
    const found = candidates.filter(tagMatcher(rule, rule.place));
    const kept = found.filter((tag) => !isExcluded(tag));
    for (const tag of kept) matched.add(tag);
    if (kept.length === 0) faults.push(choseNothing(rule, repository, candidates.length, found.length));
  }
  const others = [...matched].filter((tag) => !named.has(tag)).sort((a, b) => compareTags(b, a));
  const tags = [...named, ...others.slice(0, latest)].sort();
  return { tags, named, faults };
}

function choseNothing(
  rule: PlacedTagRule,
  { registry, repository }: MirrorRepository,
  listed: number,
  found: number,
): ComposeImageError {
  const name = `${registry}/${repository}`;
  if (found > 0) {
    return new ComposeImageError(
      "MANIFEST_NOT_FOUND",
      `${rule.place}: ${formatTagRule(rule)} matches tags of ${name} that exclude leaves out, and no other`,
      { hint: "Leave the rule out, or exclude less." },
    );
  }
  const nothing = listed === 0 ? `nothing: ${name} has no tags` : `none of the ${listed} tags of ${name}`;
  return new ComposeImageError(
    "MANIFEST_NOT_FOUND",
    `${rule.place}: ${formatTagRule(rule)} matches ${nothing}`,
    { hint: hints[rule.kind] },
  );
}

const hints: Readonly<Record<PlacedTagRule["kind"], string>> = {
  name: "Check the tag's name.",
  glob: "A pattern has to match the whole tag: * stands for any characters.",
  regex: "An expression has to match the whole tag, as if it stood between ^ and $.",
  semver: "Versions with a suffix, such as 1.2.3-rc1 and 1.2.3-alpine, match with prereleases: true.",
};
