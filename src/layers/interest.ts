import { type ImagePath, parentOf, rootPath } from "./path.ts";

/**
 * Which paths of an image matter: whole subtrees, single paths, and all the directories above them. What a scan keeps
 * in memory is bounded by this.
 */
export class Interest {
  readonly subtrees: ReadonlySet<ImagePath>;
  readonly paths: ReadonlySet<ImagePath>;
  readonly #above: ReadonlySet<ImagePath>;
  /** Of the subtrees' paths, shortest first: only so long a beginning of a path can be one of them. */
  readonly #lengths: readonly number[];
  /** The same for single paths and what is above, longest first. */
  readonly #lengthsAbove: readonly number[];

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
    this.#lengths = lengthsOf(this.subtrees);
    this.#lengthsAbove = lengthsOf([...this.paths, ...above]).reverse();
  }

  /** Whether the path lies in a wanted subtree. */
  hasInSubtree(path: ImagePath): boolean {
    const { subtrees } = this;
    for (const length of this.#lengths) {
      if (length === 0 || length === path.length) {
        if (length === 0 || subtrees.has(path)) return true;
      } else if (length > path.length) {
        return false;
      } else if (path[length] === "/" && subtrees.has(path.slice(0, length) as ImagePath)) {
        return true;
      }
    }
    return false;
  }

  /** Whether the path is wanted, or above one that is: whether a complete scan knows what is there. */
  knows(path: ImagePath): boolean {
    return this.hasInSubtree(path) || this.#above.has(path) || this.paths.has(path);
  }

  /** The lowest path that is wanted or above one that is, at or above a path outside the wanted subtrees. */
  lowestKnown(path: ImagePath): ImagePath {
    for (const length of this.#lengthsAbove) {
      if (length > path.length || (length < path.length && path[length] !== "/")) continue;
      const start = path.slice(0, length) as ImagePath;
      if (this.#above.has(start) || this.paths.has(start)) return start;
    }
    return rootPath;
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

/** The lengths that some paths have, each once, shortest first. */
function lengthsOf(paths: Iterable<ImagePath>): number[] {
  return [...new Set(Array.from(paths, ({ length }) => length))].sort((a, b) => a - b);
}
