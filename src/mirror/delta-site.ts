import type { Call } from "../io/call.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../store/target.ts";
import { DeltaTarget, type Receiver } from "./delta-target.ts";
import type { Inventory } from "./inventory.ts";
import type { Site } from "./site.ts";

/** A site in which nothing is written that a receiver has by its inventory. */
export class DeltaSite implements Site {
  readonly name: string;
  readonly commit?: (call: Call) => Promise<void>;
  readonly #site: Site;
  readonly #receiver: Receiver;
  readonly #repositories = new Map<string, Target>();

  constructor(site: Site, inventory: Inventory) {
    this.name = site.name;
    this.#site = site;
    this.#receiver = receiverOf(inventory);
    const { commit } = site;
    if (commit !== undefined) this.commit = (call) => commit.call(site, call);
  }

  repositories(call: Call): Promise<readonly string[]> {
    return this.#site.repositories(call);
  }

  repository(path: string): Target {
    const known = this.#repositories.get(path);
    const target = known ?? new DeltaTarget(this.#site.repository(path), this.#receiver, path);
    this.#repositories.set(path, target);
    return target;
  }
}

function receiverOf({ repositories }: Inventory): Receiver {
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
