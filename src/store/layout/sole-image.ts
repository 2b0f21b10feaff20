import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { subjectOfTag } from "../../model/referrers.ts";
import { type IndexEntry, refName } from "./index-entry.ts";
import { isReferrerEntry } from "./referrers-in.ts";
import { repositoryAnnotation } from "./repository-annotation.ts";

/**
 * The one image of a layout. Manifests that a registry over the layout merely keeps, without a tag, do not count where
 * there are others; nor do referrers.
 *
 * @param name the layout as it is written on the command line: `oci:build/app`.
 * @param subject the layout in messages; default its name.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is none, or there are several; then it lists the tags.
 */
export function soleImage(entries: readonly IndexEntry[], name: string, subject: string = name): Descriptor {
  const images = entries.filter((entry) => {
    const tag = refName(entry);
    if (tag !== undefined) return subjectOfTag(tag) === undefined;
    return !isReferrerEntry(entry) && entry.descriptor.annotations?.[repositoryAnnotation] === undefined;
  });
  const candidates = new Map(
    (images.length > 0 ? images : entries).map((entry) => [entry.descriptor.digest, entry.descriptor]),
  );
  const [first] = candidates.values();
  if (first === undefined) {
    throw new ComposeImageError("MANIFEST_NOT_FOUND", `${subject} holds no image`, {
      hint: "Its index.json names none: write an image into it first.",
    });
  }
  if (candidates.size > 1) {
    const tags = [...new Set(images.flatMap((entry) => refName(entry) ?? []))];
    throw new ComposeImageError(
      "MANIFEST_NOT_FOUND",
      `${subject} holds ${candidates.size} images, so it has to be said which`,
      {
        hint:
          tags.length > 0
            ? `Add a tag, as in ${name}:${tags[0]}. Its tags are ${tags.join(", ")}.`
            : "None of them has a tag; give each one, for example with umoci tag.",
      },
    );
  }
  return first;
}
