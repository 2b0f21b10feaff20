import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { isIndexMediaType } from "../model/media-types.ts";
import { type FilePlace, formatMirrorPlace, type MirrorPlace } from "../model/mirror-place.ts";
import { parsePlatform } from "../model/platform.ts";
import { isCosignTag, subjectOfTag } from "../model/referrers.ts";
import { keptPlatforms } from "../store/layout/kept-platforms.ts";
import type { Target } from "../store/target.ts";
import { CompletedSource } from "./completed-source.ts";
import {
  type Incomplete,
  incompleteImages,
  type PartialChoice,
  type PartialImage,
} from "./incomplete-images.ts";
import { mirrorImages } from "./mirror-images.ts";
import { countingRun, type MirrorOptions, type MirrorResult } from "./run-mirror.ts";
import type { Site } from "./site.ts";

/** Options of {@link loadMirror}; those of the stores are among them. */
export type LoadOptions = Omit<MirrorOptions, "lock" | "shard" | "now" | "onChoice">;

/** Most missing contents that are named. */
const maxNamed = 10;

/**
 * Brings all that a layout or an archive holds to another place. Where something is in neither of them, as when a delta is
 * loaded where its base is not, nothing is written.
 *
 * @throws ComposeImageError `BLOB_NOT_FOUND` naming what is missing; `ARCHIVE_INVALID`, `LAYOUT_INVALID`,
 *   `DIGEST_MISMATCH` and the like for a damaged source; what a run throws.
 */
export async function loadMirror(
  from: FilePlace,
  to: MirrorPlace,
  options: LoadOptions = {},
): Promise<MirrorResult> {
  const { dryRun = false, jobs = 4, onImage } = options;
  return countingRun(options, {}, async (sites, onTransfer, call) => {
    const source = await sites.source(from, call);
    const choices = await choicesIn(source, call);
    const there = await sites.existing(to, call);
    const { missing, held } = await incompleteImages(choices, there, jobs, call);
    if (missing.length > 0) throw missingContent(missing, formatMirrorPlace(from), there);
    const site = dryRun ? there : await sites.target(to, call);
    const complete = choices.map((choice) => ({
      ...choice,
      source: new CompletedSource(choice.source, site.repository(choice.repository.target)),
    }));
    const done = await mirrorImages(complete, site, { jobs, dryRun, held, onTransfer, onImage }, call);
    return { ...done, target: site.name };
  });
}

async function choicesIn(source: Site, call: Call): Promise<PartialChoice[]> {
  const choices: PartialChoice[] = [];
  for (const path of await source.repositories(call)) {
    choices.push(await choiceOf(path, source.repository(path), source.name, call));
  }
  if (choices.some(({ images }) => images.length > 0)) return choices;
  throw new ComposeImageError("MANIFEST_NOT_FOUND", `source ${source.name} holds no images`, {
    hint: "Save some into it with compose-image mirror save.",
  });
}

/** All images of a repository; the tags of referrers come with what they are about. */
async function choiceOf(target: string, source: Target, place: string, call: Call): Promise<PartialChoice> {
  const imageOf = (descriptor: Descriptor, tag: string | undefined): PartialImage => ({
    ...{ registry: place, repository: target, target, tag, descriptor },
    digest: descriptor.digest,
    kept: keptPlatforms(descriptor)?.map(parsePlatform),
  });
  const tags: string[] = [];
  for await (const tag of source.listTags(call)) tags.push(tag);
  const images: PartialImage[] = [];
  const signatures: PartialImage[] = [];
  for (const tag of tags) {
    const descriptor = await source.resolve({ tag }, call);
    const subject = subjectOfTag(tag);
    const isList = subject !== undefined && !isCosignTag(tag) && isIndexMediaType(descriptor.mediaType);
    if (isList) continue;
    // The subject's own copy brings it, unless the subject is not here.
    const comesAlong = isCosignTag(tag) && subject !== undefined && (await isHere(subject, source, call));
    (comesAlong ? signatures : images).push(imageOf(descriptor, tag));
  }
  for (const descriptor of (await source.untagged?.(call)) ?? []) images.push(imageOf(descriptor, undefined));
  const repository = { target, platforms: undefined, referrers: true };
  return { repository, source, images, signatures, knownTags: new Set(tags) };
}

function isHere(digest: Digest, source: Target, call: Call): Promise<boolean> {
  return source.manifest({ digest }, call).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND") return false;
      throw error;
    },
  );
}

function missingContent(missing: readonly Incomplete[], from: string, site: Site): ComposeImageError {
  const byDigest = new Map<Digest, Incomplete>();
  for (const each of missing) byDigest.set(each.descriptor.digest, each);
  const all = [...byDigest.values()];
  const named = all.slice(0, maxNamed).map(({ descriptor, image }) => `${descriptor.digest} of ${image}`);
  const more = all.length > maxNamed ? `, and ${all.length - maxNamed} more` : "";
  const bytes = all.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return new ComposeImageError(
    "BLOB_NOT_FOUND",
    `nothing was loaded: ${all.length} manifests and blobs (${bytes} bytes) are neither in ${from} nor at ${site.name}: ${named.join(", ")}${more}`,
    {
      hint: `If it is a delta, it was saved for another site or another state of this one: take an inventory with compose-image mirror inventory ${site.name}, and save with that.`,
    },
  );
}
