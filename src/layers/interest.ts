import { type ImagePath, isWithin, parentOf } from "./path.ts";

/** Up to so many subtrees, trying each is faster than looking up the directories above a path. */
const fewSubtrees = 4;

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
    for (const wanted of [this.subtrees, this.paths]) {
      for (const path of wanted) {
        for (let at = parentOf(path); !above.has(at); at = parentOf(at)) above.add(at);
      }
    }
    this.#above = above;
  }

  /** Whether the path lies in a wanted subtree. */
  hasInSubtree(path: ImagePath): boolean {
    const { subtrees } = this;
    if (subtrees.size <= fewSubtrees) {
      for (const subtree of subtrees) if (isWithin(path, subtree)) return true;
      return false;
    }
    for (let at = path; ; at = parentOf(at)) {
      if (subtrees.has(at)) return true;
      if (at === "") return false;
    }
  }

  /** Whether the path is wanted, or above one that is: whether a complete scan knows what is there. */
  knows(path: ImagePath): boolean {
    return this.hasInSubtree(path) || this.#above.has(path) || this.paths.has(path);
  }

  /** Whether all that the other one wants is wanted. */
  covers(other: Interest): boolean {
    for (const path of other.subtrees) if (!this.hasInSubtree(path)) return false;
    for (const path of other.paths) if (!this.knows(path)) return false;
    return true;
  }

  /** Both interests together. */
  and(other: Interest): Interest {
    return new Interest([...this.subtrees, ...other.subtrees], [...this.paths, ...other.paths]);
  }
}
