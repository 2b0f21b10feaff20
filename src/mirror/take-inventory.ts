import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import { Slots } from "../io/slots.ts";
import { ignoreTransfers, type TransferListener } from "../io/transfer.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { Target } from "../store/target.ts";
import type { Inventory, InventoryRepository } from "./inventory.ts";
import type { Site } from "./site.ts";
import { contentFault } from "./site-fault.ts";
import { repositoriesOf, type SiteScope } from "./site-scope.ts";
import type { NamedBlob, WalkRecord } from "./walk-record.ts";
import { type WalkedRepository, type WalkParts, walkRepository } from "./walk-repository.ts";

/** Deepest nesting of indexes that counts as whole; nothing deeper is copied either. */
const maxDepth = 8;

/** Options of {@link takeInventory}. */
export interface InventoryOptions extends SiteScope {
  /** Most requests under way at once. Default 4. */
  readonly jobs?: number | undefined;
  /** Told of what is named and not there, as warnings. Default nobody. */
  readonly onTransfer?: TransferListener | undefined;
}

/**
 * Looks at all that a site holds. What is named there and is missing or damaged is left out, with a warning, and so is what
 * needs it: an inventory claims nothing that is not there, and no manifest that is not whole. Each manifest is read once, and
 * each blob asked for once a repository.
 *
 * @throws ComposeImageError what keeps content from being looked at: the network's, refusals, lists that cannot be had.
 */
export async function takeInventory(site: Site, options: InventoryOptions, call: Call): Promise<Inventory> {
  const { jobs = 4, onTransfer = ignoreTransfers } = options;
  const slots = new Slots(jobs);
  const parts: WalkParts = {
    ...{ slots, jobs, known: new Map() },
    onFault: ({ message }) =>
      onTransfer({ kind: "warning", store: site.name, message: `${message}: it is left out` }),
  };
  const walks = await repositoriesOf(site, options, call);
  const found = new Map<string, InventoryRepository>();
  const take = async (walked: WalkedRepository, inner: Call): Promise<void> => {
    const { path, repository } = walked;
    const record = await walkRepository(walked, parts, inner);
    const blobs = await blobsOf(record, repository, parts, inner);
    const manifests = wholeManifests(record, blobs, parts);
    const tags = new Map([...record.tags].filter(([, digest]) => manifests.has(digest)));
    if (manifests.size + blobs.size > 0) found.set(path, { path, tags, manifests, blobs });
  };
  await forEachConcurrently(walks, jobs, take, call);
  return { site: site.name, repositories: walks.flatMap(({ path }) => found.get(path) ?? []) };
}

/**
 * The manifests all of whose content is there, at any depth: who has one of them is taken to need nothing of it. A sparse
 * index is none.
 */
function wholeManifests(
  record: WalkRecord,
  blobs: ReadonlyMap<Digest, number>,
  { known }: WalkParts,
): Map<Digest, number> {
  const whole = new Map<Digest, boolean>();
  const isWhole = (digest: Digest, depth: number): boolean => {
    const before = whole.get(digest);
    if (before !== undefined) return before;
    const isThere = depth < maxDepth && record.manifests.has(digest);
    const parts = isThere ? known.get(digest) : undefined;
    const found =
      parts?.blobs.every((blob) => blobs.has(blob.digest)) === true &&
      parts.children.every((child) => isWhole(child.digest, depth + 1));
    whole.set(digest, found);
    return found;
  };
  const manifests = [...record.manifests.values()].filter(({ digest }) => isWhole(digest, 0));
  return new Map(manifests.map(({ digest, size }) => [digest, size]));
}

/** The blobs that are there. */
async function blobsOf(
  record: WalkRecord,
  repository: Target,
  { slots, jobs }: WalkParts,
  call: Call,
): Promise<Map<Digest, number>> {
  const there = new Map<Digest, number>();
  const look = async ({ descriptor, by }: NamedBlob, inner: Call): Promise<void> => {
    const { digest, size } = descriptor;
    const found = await slots.run(() => repository.exists(descriptor, inner), inner).catch(contentFault);
    if (found === true) there.set(digest, size);
    else if (found instanceof ComposeImageError) record.tell(found, { digest });
    else record.tellOf("BLOB_NOT_FOUND", digest, `the manifest ${by} names it, and it is not there`);
  };
  await forEachConcurrently(record.blobs.values(), jobs, look, call);
  return there;
}
