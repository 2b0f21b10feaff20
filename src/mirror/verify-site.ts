import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { Slots } from "../io/slots.ts";
import type { Digest } from "../model/digest.ts";
import { subjectOfTag } from "../model/referrers.ts";
import type { MirrorLock } from "../plan/mirror-plan.ts";
import type { Inventory } from "./inventory.ts";
import { receiverOf } from "./receiver.ts";
import type { Site } from "./site.ts";
import { compareFaults, type SiteFault } from "./site-fault.ts";
import { repositoriesOf, type SiteScope } from "./site-scope.ts";
import { BlobVerifier } from "./verify-blobs.ts";
import { expectLocked, lockedDigests } from "./verify-expected.ts";
import type { WalkRecord } from "./walk-record.ts";
import { type WalkedRepository, type WalkParts, walkRepository } from "./walk-repository.ts";

/** Options of {@link verifySite}. */
export interface VerifyOptions extends SiteScope {
  /** What the receiver of a delta has, so that it may be missing. */
  readonly have?: Inventory | undefined;
  /** What has to be there. */
  readonly expected?: MirrorLock | undefined;
  /** Looks at what the site's own files are made of, such as the parts of an archive. */
  readonly checkParts?: ((call: Call) => Promise<readonly SiteFault[]>) | undefined;
  /** Most requests under way at once. Default 4. */
  readonly jobs?: number | undefined;
}

/** What {@link verifySite} found. */
export interface SiteVerification {
  readonly site: string;
  /** Those that were looked at. */
  readonly repositories: number;
  /** Tags of images, and images that were to be found by their digests. */
  readonly images: number;
  /** Manifests and indexes that are whole and sound, each once. */
  readonly manifests: number;
  /** Configurations and layers, each once. */
  readonly blobs: number;
  /** Of manifests and blobs. */
  readonly bytes: number;
  /** Signatures, attestations and the like, each once. */
  readonly referrers: number;
  /** By repository, tag and digest. */
  readonly faults: readonly SiteFault[];
  /** What may be looked at, and is no fault. */
  readonly notes: readonly string[];
}

/**
 * Reads all that a site holds, to the last byte, each digest once, and follows every reference. Faults are collected.
 *
 * @throws ComposeImageError what keeps content from being looked at: the network's, refusals, lists that cannot be had.
 */
export async function verifySite(site: Site, options: VerifyOptions, call: Call): Promise<SiteVerification> {
  const { jobs = 4, expected } = options;
  const faults: SiteFault[] = [...((await options.checkParts?.(call)) ?? [])];
  const parts: WalkParts = {
    ...{ slots: new Slots(jobs), jobs, known: new Map() },
    onFault: (fault) => faults.push(fault),
  };
  const blobs = new BlobVerifier(parts);
  const records = new Map<string, WalkRecord>();
  const verify = async (walked: WalkedRepository, inner: Call): Promise<void> => {
    const record = await walkRepository(walked, parts, inner);
    records.set(walked.path, record);
    await blobs.verify(record, walked.repository, inner);
  };
  const listed = options.repositories ?? (await site.repositories(call));
  const walks = await repositoriesOf(site, withLocked(options, listed), call);
  await forEachConcurrently(walks, jobs, verify, call);
  if (expected !== undefined) faults.push(...expectLocked(expected, records, singlePlatformOf(options)));
  const manifests = new Map([...records.values()].flatMap((record) => [...record.manifests]));
  const sizes = [...manifests.values()].map(({ size }) => size);
  const { figures } = blobs;
  return {
    site: site.name,
    repositories: records.size,
    images: imagesOf(records),
    manifests: manifests.size,
    blobs: figures.blobs,
    bytes: sizes.reduce((sum, size) => sum + size, figures.bytes),
    referrers: referrersOf(records),
    faults: distinct(faults).filter(unlessHeld(options.have)).sort(compareFaults),
    // What was not looked at cannot be said to be unused.
    notes: [
      ...notesOfTags(records),
      ...(options.repositories === undefined ? await notesOfBlobs(site, records, call) : []),
    ],
  };
}

/** Keeps all faults but those which only say that something is not here that a receiver has. */
function unlessHeld(have: Inventory | undefined): (fault: SiteFault) => boolean {
  if (have === undefined) return () => true;
  const receiver = receiverOf(have);
  return ({ code, repository, digest }) => {
    if (digest === undefined) return true;
    if (code === "MANIFEST_NOT_FOUND") return !receiver.hasManifest(repository ?? "", digest);
    return code !== "BLOB_NOT_FOUND" || receiver.holders(digest).length === 0;
  };
}

/** What is to be looked at, with the repositories of a lock file, and what that has without a tag. */
function withLocked(
  { digests, platforms, expected }: VerifyOptions,
  repositories: readonly string[],
): SiteScope {
  if (expected === undefined) return { repositories, digests, platforms };
  const locked = lockedDigests(expected);
  const paths = new Set([...(digests?.keys() ?? []), ...locked.keys()]);
  const all = [...paths].map((path): [string, Digest[]] => [
    path,
    [...(digests?.get(path) ?? []), ...(locked.get(path) ?? [])],
  ]);
  const targets = expected.images.map(({ target }) => target);
  return { repositories: [...repositories, ...targets], digests: new Map(all), platforms };
}

/** Repositories whose tags name images of the indexes that were chosen. */
function singlePlatformOf({ platforms }: VerifyOptions): ReadonlySet<string> {
  return new Set([...(platforms ?? [])].flatMap(([path, chosen]) => (chosen.length === 1 ? path : [])));
}

function imagesOf(records: ReadonlyMap<string, WalkRecord>): number {
  let images = 0;
  for (const { tags, manifests, untagged } of records.values()) {
    const tagged = [...tags].filter(
      ([tag, digest]) => subjectOfTag(tag) === undefined && manifests.has(digest),
    );
    images += tagged.length + [...untagged].filter((digest) => manifests.has(digest)).length;
  }
  return images;
}

function referrersOf(records: ReadonlyMap<string, WalkRecord>): number {
  const found = new Set<Digest>();
  for (const { referrers, manifests } of records.values())
    for (const digest of referrers) if (manifests.has(digest)) found.add(digest);
  return found.size;
}

/** Tags of referrers are about manifests that need not be there any more. */
function notesOfTags(records: ReadonlyMap<string, WalkRecord>): string[] {
  return [...records].flatMap(([path, { tags, manifests }]) =>
    [...tags.keys()].sort().flatMap((tag) => {
      const subject = subjectOfTag(tag);
      return subject === undefined || manifests.has(subject)
        ? []
        : `${path}:${tag} is about ${subject}, which is not there`;
    }),
  );
}

/** Content on the disk that nothing refers to. */
async function notesOfBlobs(
  site: Site,
  records: ReadonlyMap<string, WalkRecord>,
  call: Call,
): Promise<string[]> {
  const named = new Set<Digest>();
  for (const { blobs, asked } of records.values())
    for (const digest of [...blobs.keys(), ...asked]) named.add(digest);
  const unused: Digest[] = [];
  for await (const digest of site.blobs?.(call) ?? []) if (!named.has(digest)) unused.push(digest);
  return unused.sort().map((digest) => `${digest} is there, and nothing refers to it`);
}

function distinct(faults: readonly SiteFault[]): SiteFault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
}
