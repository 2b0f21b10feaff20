import { ComposeImageError } from "../model/errors.ts";
import type { ByteString } from "../tar/byte-string.ts";
import type { AppliedLayers, DemandScan } from "./apply-layers.ts";
import { type FileNode, impliedDirectory } from "./file-node.ts";
import type { Interest } from "./interest.ts";
import { childPath, componentsOf, displayPath, type ImagePath, nameOf, rootPath } from "./path.ts";
import { followedComponents, isSymlink, joined, maxSymlinks } from "./symlinks.ts";
import { UnknownPath } from "./unknown-path.ts";

/** What a walk down a path found. */
export interface Walk {
  /** The path with all symlinks followed that were to be followed. */
  readonly path: ImagePath;
  /** Absent when nothing is there. */
  readonly node: FileNode | undefined;
  /** When nothing is there: the first path, as walked, at which the walk ended. */
  readonly missing: ImagePath | undefined;
}

/**
 * The files of an image with its layers applied bottom to top, or of a directory, as far as they were looked for.
 */
export class MergedTree {
  readonly root: FileNode;
  /** Whether any file has several names. */
  readonly hasLinks: boolean;
  /** What may be wrong with a path that is not there. */
  readonly missingHint: string;
  readonly #interests: readonly Interest[];
  readonly #demand: DemandScan;

  /**
   * @param interests what was looked for; all of them have to take a path in for it to be known.
   * @param demand called for a path that an answer needs and that was not looked for.
   */
  constructor(
    { root, hasLinks }: AppliedLayers,
    interests: Iterable<Interest>,
    demand: DemandScan,
    missingHint = "Check the path; it is meant from the image's root.",
  ) {
    this.root = root;
    this.hasLinks = hasLinks;
    this.missingHint = missingHint;
    this.#interests = [...new Set(interests)];
    this.#demand = demand;
  }

  /** The tree in which nothing is, as is known. */
  static empty(): MergedTree {
    return new MergedTree({ root: impliedDirectory(), hasLinks: false }, [], () => {});
  }

  /**
   * The tree with files put over it as an upper layer's are; the root's attributes stay, and its time where the upper
   * has none. Neither tree is changed.
   */
  withOver(upper: AppliedLayers): MergedTree {
    const { attributes, mtime } = this.root;
    const isTouched = upper.root.mtime !== "0";
    const root: FileNode = {
      ...overlaid(this.root, upper.root),
      attributes,
      mtime: isTouched ? upper.root.mtime : mtime,
    };
    const hasLinks = this.hasLinks || upper.hasLinks;
    return new MergedTree({ root, hasLinks }, this.#interests, this.#demand, this.missingHint);
  }

  /** Whether scans told everything about the path. */
  knows(path: ImagePath): boolean {
    return this.#interests.every((interest) => interest.knows(path));
  }

  /**
   * Walks down a path, following symlinks as in a chroot to the image's root.
   *
   * @param followLast whether a symlink as the last component is followed too.
   * @throws UnknownPath; ComposeImageError `SOURCE_NOT_FOUND` for a loop of symlinks.
   */
  walk(path: ImagePath, followLast: boolean, subject: string): Walk {
    let components = componentsOf(path);
    let at = rootPath;
    let node = this.root;
    let followed = 0;
    for (let i = 0; i < components.length; i++) {
      const next = childPath(at, components[i] ?? ("" as ByteString));
      const isLast = i === components.length - 1;
      const whole = (): ImagePath => joined(next, components.slice(i + 1));
      if (!this.knows(next)) this.#ask(whole());
      const child = node.children?.get(nameOf(next));
      if (child === undefined) return { path: whole(), node: undefined, missing: next };
      if (isSymlink(child) && (!isLast || followLast)) {
        followed += 1;
        if (followed > maxSymlinks) {
          throw new ComposeImageError(
            "SOURCE_NOT_FOUND",
            `${subject}: ${displayPath(path)} is a loop of symlinks at ${displayPath(next)}`,
            { hint: "Name a path that leads somewhere." },
          );
        }
        components = followedComponents(at, child, components, i);
        i = -1;
        at = rootPath;
        node = this.root;
        continue;
      }
      if (child.children === undefined && !isLast) {
        const missing = childPath(next, components[i + 1] ?? ("" as ByteString));
        return { path: whole(), node: undefined, missing };
      }
      at = next;
      node = child;
    }
    return { path: at, node, missing: undefined };
  }

  /**
   * The node at a path whose directory is in hand.
   *
   * @param rest what will be asked for below it: a wider scan takes that in, too.
   * @throws UnknownPath
   */
  childOf(directory: FileNode, path: ImagePath, rest: readonly ByteString[] = []): FileNode | undefined {
    if (!this.knows(path)) this.#ask(joined(path, rest));
    return directory.children?.get(nameOf(path));
  }

  /**
   * Makes sure that all below a path, symlinks followed, is there to be seen.
   *
   * @throws UnknownPath
   */
  requireSubtree(path: ImagePath): void {
    if (!this.#interests.every((interest) => interest.hasInSubtree(path))) this.#ask(path);
  }

  #ask(path: ImagePath): never {
    this.#demand(path, "all");
    throw new UnknownPath(path);
  }
}

/** A directory over a directory has what is in both; anything else takes the place of what is there. */
function overlaid(lower: FileNode, upper: FileNode): FileNode {
  if (lower.children === undefined || upper.children === undefined) return upper;
  const children = new Map(lower.children);
  for (const [name, node] of upper.children) {
    const below = lower.children.get(name);
    children.set(name, below === undefined ? node : overlaid(below, node));
  }
  return { ...upper, children };
}
