import { type ImagePath, isWithin, parentOf } from "./path.ts";

/**
 * Which paths of an image matter: whole subtrees, single paths, and all the directories above them. What a scan keeps
 * in memory is bounded by this.
 */
export class Interest {
  readonly subtrees: ReadonlySet<ImagePath>;
  readonly paths: ReadonlySet<ImagePath>;
  readonly #above: ReadonlySet<ImagePath>;

  constructor(subtrees: Iterable<ImagePath>, paths: Iterable<ImagePath> = []) {
    this.subtrees = new Set(subtrees);
    this.paths = new Set(paths);
    const above = new Set<ImagePath>();
    for (const path of [...this.subtrees, ...this.paths]) {
      for (let at = parentOf(path); !above.has(at); at = parentOf(at)) above.add(at);
    }
    this.#above = above;
  }

  /** Whether the path lies in a wanted subtree. */
  hasInSubtree(path: ImagePath): boolean {
    for (const subtree of this.subtrees) if (isWithin(path, subtree)) return true;
    return false;
  }

  /** Whether the path is wanted, or above one that is: whether a complete scan knows what is there. */
  knows(path: ImagePath): boolean {
    return this.#above.has(path) || this.paths.has(path) || this.hasInSubtree(path);
  }

  /** Whether something wanted is at, above or below the path. */
  touches(path: ImagePath): boolean {
    return this.knows(path) || [...this.paths].some((wanted) => isWithin(wanted, path));
  }

  /** Both interests together. */
  and(other: Interest): Interest {
    return new Interest([...this.subtrees, ...other.subtrees], [...this.paths, ...other.paths]);
  }
}
