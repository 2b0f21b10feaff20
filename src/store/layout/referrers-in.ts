import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, isDigest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { parseManifest } from "../../model/manifest.ts";
import { isManifestMediaType } from "../../model/media-types.ts";
import { fallbackTag, readReferrer, subjectOfTag } from "../../model/referrers.ts";
import type { StoredManifest } from "../source.ts";
import { type IndexEntry, indexEntry } from "./index-entry.ts";

/**
 * The annotation on an entry of `index.json` that is there only to be found as a referrer, with the digest of the manifest
 * it refers to.
 */
const subjectAnnotation = "io.github.compose-image.subject";

/**
 * The entry by which a layout lists a referrer. It has no tag, as other tools write them, too.
 *
 * @param annotations others that the entry has.
 */
export function referrerEntry(
  referrer: Descriptor,
  subject: Digest,
  annotations: Readonly<Record<string, string>> = {},
): IndexEntry {
  return indexEntry(referrer, { ...annotations, [subjectAnnotation]: subject });
}

/** Whether an entry is there only to be found as a referrer. */
export function isReferrerEntry({ descriptor }: IndexEntry): boolean {
  return descriptor.annotations?.[subjectAnnotation] !== undefined;
}

/** What an entry says of itself that is there only to be found as a referrer; `undefined` for any other. */
export function listedReferrer({
  descriptor,
}: IndexEntry): { readonly subject: Digest; readonly descriptor: Descriptor } | undefined {
  const subject = descriptor.annotations?.[subjectAnnotation];
  if (!isDigest(subject) || subject === descriptor.digest) return undefined;
  const { annotations: _, ...referrer } = descriptor;
  return { subject, descriptor: referrer };
}

/** An entry of a layout, or of one repository in it, and the tag that it has there. */
export interface TaggedEntry {
  readonly descriptor: Descriptor;
  readonly tag: string | undefined;
}

/**
 * The referrers that a layout lists: entries whose manifests have a subject, those that an annotation has one for, as
 * a fallback tag listed them so, and what fallback tags name. Entries that are not there, or no manifests, refer to nothing.
 *
 * @param read gives an entry's manifest.
 * @throws ComposeImageError `DIGEST_MISMATCH` and the like for damaged ones.
 */
export async function referrersIn(
  entries: readonly TaggedEntry[],
  read: (entry: Descriptor) => Promise<StoredManifest>,
  where: string,
): Promise<Map<Digest, readonly Descriptor[]>> {
  const found = new Map<Digest, Map<Digest, Descriptor>>();
  const add = (subject: Digest, referrer: Descriptor): void => {
    const siblings = found.get(subject) ?? new Map<Digest, Descriptor>();
    found.set(subject, siblings);
    siblings.set(referrer.digest, referrer);
  };
  const seen = new Set<string>();
  for (const { descriptor, tag = "" } of entries) {
    const key = `${descriptor.digest} ${tag}`;
    if (seen.has(key) || !isManifestMediaType(descriptor.mediaType)) continue;
    seen.add(key);
    const stored = await read(descriptor).catch((error: unknown) => {
      if (error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND") return undefined;
      throw error;
    });
    if (stored === undefined) continue;
    const referrer = readReferrer(stored.bytes, descriptor, where);
    if (referrer !== undefined) add(referrer.subject, referrer.descriptor);
    const annotated = descriptor.annotations?.[subjectAnnotation];
    if (referrer === undefined && isDigest(annotated) && annotated !== descriptor.digest) {
      const { mediaType, digest, size, artifactType } = descriptor;
      add(annotated, { mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) });
    }
    const listedFor = subjectOfTag(tag);
    if (listedFor === undefined || tag !== fallbackTag(listedFor)) continue;
    const index = parseManifest(stored.bytes, descriptor.mediaType, where);
    for (const child of index.kind === "index" ? index.manifests : []) add(listedFor, child);
  }
  return new Map([...found].map(([subject, siblings]) => [subject, [...siblings.values()]]));
}
