import { ComposeImageError } from "../../model/errors.ts";
import type { LockedImage, MirrorLock, MirrorPlan, MirrorRepository } from "../../plan/mirror-plan.ts";
import { tagMatcher } from "../../plan/tag-rule.ts";
import { compareTags } from "../../plan/tag-version.ts";

/** Most names of one kind that a message has. */
const maxNames = 10;

/**
 * Refuses a lock that does not say what the plan asks for: repositories, named tags and digests that either has and the
 * other lacks, paths at the destination that differ, tags that no rule matches any more, and more than the newest that are
 * meant. Tags that are new at the source are not looked for, and ages not compared: that needs the source.
 *
 * @param names the files', for messages.
 * @throws ComposeImageError `USAGE`
 */
export function expectLockFits(
  lock: MirrorLock,
  plan: MirrorPlan,
  names: { readonly lock: string; readonly file: string },
): void {
  const locked = Map.groupBy(lock.images, repositoryName);
  const planned = new Map(plan.repositories.map((repository) => [repositoryName(repository), repository]));
  const lacking: string[] = [];
  const surplus = [...locked.keys()].filter((name) => !planned.has(name));
  const moved: string[] = [];
  for (const [name, repository] of planned) {
    const images = locked.get(name);
    if (images === undefined) {
      lacking.push(name);
      continue;
    }
    lacking.push(...lackingOf(repository, images).map((image) => name + image));
    surplus.push(...surplusOf(repository, images).map((image) => name + image));
    const other = images.find(({ target }) => target !== repository.target);
    if (other !== undefined) moved.push(`${name} (to ${other.target}, and not ${repository.target})`);
  }
  const faults = [
    ...(lacking.length === 0 ? [] : [`it lacks ${namesOf(lacking)}`]),
    ...(surplus.length === 0 ? [] : [`it has ${namesOf(surplus)}, which the file does not choose`]),
    ...(moved.length === 0 ? [] : [`it puts elsewhere ${namesOf(moved)}`]),
  ];
  if (faults.length === 0) return;
  throw new ComposeImageError("USAGE", `${names.lock} does not fit ${names.file}: ${faults.join("; ")}`, {
    hint: "Run without --locked to choose images anew, which writes the lock file.",
  });
}

function lackingOf({ tags, digests }: MirrorRepository, images: readonly LockedImage[]): string[] {
  const lockedTags = new Set(images.map(({ tag }) => tag));
  const lockedDigests = new Set(images.map(({ digest }) => digest));
  return [
    ...tags.flatMap((rule) => (rule.kind === "name" && !lockedTags.has(rule.name) ? [`:${rule.name}`] : [])),
    ...digests.filter((digest) => !lockedDigests.has(digest)).map((digest) => `@${digest}`),
  ];
}

function surplusOf(repository: MirrorRepository, images: readonly LockedImage[]): string[] {
  const { tags, exclude, digests, latest } = repository;
  const named = new Set(tags.flatMap((rule) => (rule.kind === "name" ? [rule.name] : [])));
  const patterns = tags.filter(({ kind }) => kind !== "name").map((rule) => tagMatcher(rule, rule.place));
  const exclusions = exclude.map((rule) => tagMatcher(rule, rule.place));
  const byDigest = images.flatMap(({ tag, digest }) =>
    tag === undefined && !digests.includes(digest) ? [`@${digest}`] : [],
  );
  const matched: string[] = [];
  const unmatched: string[] = [];
  for (const { tag } of images) {
    if (tag === undefined || named.has(tag)) continue;
    const isMeant = patterns.some((matches) => matches(tag)) && !exclusions.some((matches) => matches(tag));
    (isMeant ? matched : unmatched).push(tag);
  }
  const excess = matched.sort((a, b) => compareTags(b, a)).slice(latest ?? matched.length);
  return [...unmatched, ...excess].map((tag) => `:${tag}`).concat(byDigest);
}

function repositoryName({
  registry,
  repository,
}: {
  readonly registry: string;
  readonly repository: string;
}): string {
  return `${registry}/${repository}`;
}

function namesOf(names: readonly string[]): string {
  const rest = names.length - maxNames;
  return `${names.slice(0, maxNames).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
