import type { Digest } from "../model/digest.ts";
import type { Inventory } from "./inventory.ts";

/** What the receiver of a delta is known to have. */
export interface Receiver {
  /** Whether it has the manifest, and so all that is below it, in the repository. */
  hasManifest(repository: string, digest: Digest): boolean;
  /** The repositories that have the blob. */
  holders(blob: Digest): readonly string[];
}

/** The receiver that an inventory is of. */
export function receiverOf({ repositories }: Inventory): Receiver {
  const byPath = new Map(repositories.map((repository) => [repository.path, repository]));
  const holders = new Map<Digest, string[]>();
  for (const { path, blobs } of repositories) {
    for (const digest of blobs.keys()) {
      const known = holders.get(digest);
      if (known === undefined) holders.set(digest, [path]);
      else known.push(path);
    }
  }
  return {
    hasManifest: (path, digest) => byPath.get(path)?.manifests.has(digest) ?? false,
    holders: (blob) => holders.get(blob) ?? [],
  };
}
