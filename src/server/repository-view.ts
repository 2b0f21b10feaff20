import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ManifestFacts } from "./manifest-facts.ts";

/** What can be reached from the manifests listed for one repository. */
export interface RepositoryView {
  /** The listed manifests, and the children of indexes at any depth, that are there. */
  readonly manifests: ReadonlyMap<Digest, Descriptor>;
  /** What those manifests refer to. Whether it is there has to be looked up. */
  readonly blobs: ReadonlySet<Digest>;
  /** Descriptors of the manifests whose subject is the key, in the order of the listing. */
  readonly referrers: ReadonlyMap<Digest, readonly Descriptor[]>;
}

/** Reads a manifest's facts; `undefined` when it is missing or damaged. */
export type ReadFacts = (descriptor: Descriptor) => Promise<ManifestFacts | undefined>;

/** Walks from the listed manifests down. */
export async function viewRepository(
  listed: readonly Descriptor[],
  readFacts: ReadFacts,
): Promise<RepositoryView> {
  const manifests = new Map<Digest, Descriptor>();
  const blobs = new Set<Digest>();
  const referrers = new Map<Digest, Descriptor[]>();
  const seen = new Set<Digest>();
  const waiting = [...listed].reverse();
  for (let descriptor = waiting.pop(); descriptor !== undefined; descriptor = waiting.pop()) {
    if (seen.has(descriptor.digest)) continue;
    seen.add(descriptor.digest);
    const facts = await readFacts(descriptor);
    if (facts === undefined) continue;
    manifests.set(descriptor.digest, { ...descriptor, mediaType: facts.mediaType });
    for (const blob of facts.blobs) blobs.add(blob);
    waiting.push(...facts.children.toReversed());
    if (facts.subject === undefined || facts.subject === descriptor.digest) continue;
    const siblings = referrers.get(facts.subject) ?? [];
    referrers.set(facts.subject, siblings);
    siblings.push(referrerDescriptor(descriptor, facts));
  }
  return { manifests, blobs, referrers };
}

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
function referrerDescriptor(descriptor: Descriptor, facts: ManifestFacts): Descriptor {
  const { artifactType, annotations = {} } = facts;
  return {
    mediaType: facts.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}
