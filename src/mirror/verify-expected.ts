import type { Digest } from "../model/digest.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { LockedImage, MirrorLock } from "../plan/mirror-plan.ts";
import type { SiteFault } from "./site-fault.ts";
import { mirrorAgain, type WalkRecord } from "./walk-record.ts";

/** By repository at the site, the digests that a lock file has without a tag. */
export function lockedDigests({ images }: MirrorLock): Map<string, readonly Digest[]> {
  const untagged = images.filter(({ tag }) => tag === undefined);
  return new Map(
    [...Map.groupBy(untagged, ({ target }) => target)].map(([target, of]) => [
      target,
      of.map(({ digest }) => digest),
    ]),
  );
}

/**
 * What of a lock file is not at the site: images under their tags and digests, and what was found to refer to them.
 *
 * @param records what was found, by repository.
 * @param singlePlatform repositories for which one platform was chosen: their tags name images of the indexes that were locked.
 */
export function expectLocked(
  { images }: MirrorLock,
  records: ReadonlyMap<string, WalkRecord>,
  singlePlatform: ReadonlySet<string>,
): SiteFault[] {
  return images.flatMap((image) => expectImage(image, records.get(image.target), singlePlatform));
}

function expectImage(
  { target, tag, digest, referrers }: LockedImage,
  record: WalkRecord | undefined,
  singlePlatform: ReadonlySet<string>,
): SiteFault[] {
  const faultOf = (code: ErrorCode, what: string, about: Digest): SiteFault => {
    const message = `${target}${tag === undefined ? "" : `:${tag}`}: ${what}`;
    return { repository: target, tag, digest: about, code, message, hint: mirrorAgain };
  };
  if (tag === undefined && record?.manifests.has(digest) !== true)
    return [faultOf("MANIFEST_NOT_FOUND", `the lock file has ${digest}, which is not there`, digest)];
  const faults: SiteFault[] = [];
  if (tag !== undefined) {
    const actual = record?.tags.get(tag);
    const mayDiffer = singlePlatform.has(target);
    if (actual === undefined)
      return [
        faultOf("MANIFEST_NOT_FOUND", `the lock file has ${digest} by this tag, which is not there`, digest),
      ];
    if (actual !== digest && !mayDiffer)
      faults.push(
        faultOf("DIGEST_MISMATCH", `the lock file has ${digest} by this tag, and it names ${actual}`, digest),
      );
  }
  for (const referrer of referrers) {
    const isFound = record?.referrers.has(referrer) === true && record.manifests.has(referrer);
    if (isFound) continue;
    const what = `the lock file has ${referrer} as referring to ${digest}, and it is not found as that`;
    faults.push(faultOf("MANIFEST_NOT_FOUND", what, referrer));
  }
  return faults;
}
