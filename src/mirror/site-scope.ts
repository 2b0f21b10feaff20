import type { Call } from "../io/call.ts";
import type { Digest } from "../model/digest.ts";
import type { Platform } from "../model/platform.ts";
import type { Site } from "./site.ts";
import type { WalkedRepository } from "./walk-repository.ts";

/** What of a site is looked at. */
export interface SiteScope {
  /** Paths of repositories. Default those that the site lists. */
  readonly repositories?: readonly string[] | undefined;
  /** By repository: manifests to be found besides those that tags and lists name. */
  readonly digests?: ReadonlyMap<string, readonly Digest[]> | undefined;
  /** By repository: platforms that were chosen of indexes, so that others need not be there. */
  readonly platforms?: ReadonlyMap<string, readonly Platform[]> | undefined;
}

/** The repositories that are meant, sorted by their paths. */
export async function repositoriesOf(
  site: Site,
  { repositories, digests, platforms }: SiteScope,
  call: Call,
): Promise<WalkedRepository[]> {
  const paths = new Set(repositories ?? (await site.repositories(call)));
  return [...paths].sort().map((path) => ({
    path,
    repository: site.repository(path),
    digests: digests?.get(path) ?? [],
    platforms: platforms?.get(path),
  }));
}
