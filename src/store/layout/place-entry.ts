import type { Descriptor } from "../../model/descriptor.ts";
import { type IndexEntry, indexEntry, refName, refNameAnnotation } from "./index-entry.ts";
import { isSameEntry, sparseAnnotations } from "./kept-platforms.ts";
import { isAt, type Placement, placeEntries, placementAnnotations, placementOf } from "./placement.ts";

/**
 * The entries with a manifest put where the placement says. What had the tag stays listed in the repository by its digest.
 *
 * @returns the very entries where it is there already.
 */
export function withPlaced(
  entries: readonly IndexEntry[],
  descriptor: Descriptor,
  placement: Placement,
  base: string,
): readonly IndexEntry[] {
  const { repository, tag } = placement;
  const same = entries.filter(
    (entry) =>
      entry.descriptor.digest === descriptor.digest && placementOf(entry, base).repository === repository,
  );
  if (tag === undefined) {
    return same.length > 0 ? entries : [...entries, newEntry(descriptor, placementAnnotations(placement))];
  }
  const tagged = entries.filter((entry) => isAt(placementOf(entry, base), placement));
  const [first] = tagged;
  if (first !== undefined && tagged.length === 1 && isSameEntry(first.descriptor, descriptor)) return entries;
  const spelling = first && refName(first);
  const alike = spelling && newEntry(descriptor, { [refNameAnnotation]: spelling });
  const others = withoutTag(entries, placement, base).filter(
    (entry) =>
      entry.descriptor.digest !== descriptor.digest || !isAt(placementOf(entry, base), { repository }),
  );
  const added =
    alike && isAt(placementOf(alike, base), placement)
      ? alike
      : newEntry(descriptor, placementAnnotations(placement));
  return [...others, added];
}

/** The entries without the tag; a manifest that nothing else lists in the repository stays listed by digest. */
export function withoutTag(
  entries: readonly IndexEntry[],
  placement: Placement,
  base: string,
): readonly IndexEntry[] {
  const { repository } = placement;
  const at = new Set(
    placeEntries(entries, base)
      .filter((placed) => isAt(placed, placement))
      .map(({ entry }) => entry),
  );
  const kept = entries.filter((entry) => !at.has(entry));
  const listed = new Set(
    kept
      .filter((entry) => placementOf(entry, base).repository === repository)
      .map((entry) => entry.descriptor.digest),
  );
  const orphans = [...at].filter((entry) => !listed.has(entry.descriptor.digest));
  return [
    ...kept,
    ...orphans.map((entry) => newEntry(entry.descriptor, placementAnnotations({ repository }))),
  ];
}

/**
 * The same entries in an order that does not depend on when each was added: new ones go before the first that sorts after
 * them, tags first.
 */
export function inOrder(before: readonly IndexEntry[], after: readonly IndexEntry[]): readonly IndexEntry[] {
  if (after === before) return before;
  const known = new Set(before);
  return after
    .filter((entry) => !known.has(entry))
    .reduce<readonly IndexEntry[]>(
      (ordered, added) => {
        const at = ordered.findIndex((entry) => compareEntries(entry, added) > 0);
        return ordered.toSpliced(at < 0 ? ordered.length : at, 0, added);
      },
      after.filter((entry) => known.has(entry)),
    );
}

function newEntry(descriptor: Descriptor, annotations: Readonly<Record<string, string>>): IndexEntry {
  return indexEntry(descriptor, { ...annotations, ...sparseAnnotations(descriptor) });
}

function compareEntries(a: IndexEntry, b: IndexEntry): number {
  const [keyOfA, keyOfB] = [sortKey(a), sortKey(b)];
  return keyOfA < keyOfB ? -1 : keyOfA > keyOfB ? 1 : 0;
}

function sortKey(entry: IndexEntry): string {
  const { digest } = entry.descriptor;
  const { repository, tag } = placementOf(entry, "");
  return [tag === undefined ? "1" : "0", repository, tag ?? "", digest].join("\0");
}
