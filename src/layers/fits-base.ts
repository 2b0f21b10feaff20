import type { ByteString } from "../tar/byte-string.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import { haveSameXattrs } from "./compare-trees.ts";
import type { Attributes, FileNode } from "./file-node.ts";
import type { LayerTree } from "./layer-outline.ts";
import type { MergedTree } from "./merged-tree.ts";
import type { Owner } from "./owner.ts";
import {
  childPath,
  componentsOf,
  displayPath,
  type ImagePath,
  isWithin,
  resolveLexically,
  rootPath,
} from "./path.ts";

/** A copy step of a layer, as far as the base has a say in it. */
export interface PlacedStep {
  /** Absolute. */
  readonly destination: string;
  /** What directories that were made, and files, belong to; absent where the source says. */
  readonly owner: Owner | undefined;
  /** Whether the owner was given by a name, which only the base makes a number of. */
  readonly isOwnerNamed: boolean;
  readonly mode: number | undefined;
  /** Whether nothing may have been copied. */
  readonly mayBeEmpty: boolean;
  /** Whether the base was left out of account. */
  readonly link: boolean;
}

/** A copy step with the place it goes to on the base at hand. */
interface Placed extends PlacedStep {
  readonly path: ImagePath;
}

/**
 * What of a composed layer does not fit a base: what composing on that base would have made otherwise. The layer has
 * entries for directories of the base it was made on, with their modes and owners; it was put where that base's symlinks
 * led; and names were made numbers by that base's accounts.
 *
 * @param layer the layer's own files, or those of its outline, which says nothing of files' owners.
 * @param steps owners resolved by the base's accounts.
 * @param workdirs absolute directories that composing makes where they are missing.
 * @returns one text for each difference, the path first; none where the layer fits; `undefined` where an outline does not
 *   tell.
 * @throws UnknownPath
 */
export function misfits(
  layer: LayerTree,
  base: MergedTree,
  steps: readonly PlacedStep[],
  workdirs: readonly string[],
  baseName: string,
): string[] | undefined {
  const placed = steps.map((step): Placed => ({ ...step, path: placeOf(step, base, baseName) }));
  const looked = placed.filter(({ link }) => !link);
  for (const { path } of looked) base.requireSubtree(path);
  const walk = new FitCheck(layer.closed, base, placed, workdirs.map(cleaned));
  for (const step of looked) walk.expectPlace(layer.root, step);
  walk.compare(layer.root, base.root, rootPath);
  return walk.found.length === 0 && walk.isOpen ? undefined : walk.found;
}

function placeOf({ destination, link }: PlacedStep, base: MergedTree, baseName: string): ImagePath {
  const path = cleaned(destination);
  return link ? path : base.walk(path, true, baseName).path;
}

function cleaned(path: string): ImagePath {
  return resolveLexically(rootPath, bytesOfText(path));
}

class FitCheck {
  readonly found: string[] = [];
  /** Whether something depends on what an outline does not list. */
  isOpen = false;
  readonly #closed: ReadonlySet<FileNode> | undefined;
  readonly #base: MergedTree;
  readonly #steps: readonly Placed[];
  readonly #workdirs: readonly ImagePath[];

  constructor(
    closed: ReadonlySet<FileNode> | undefined,
    base: MergedTree,
    steps: readonly Placed[],
    workdirs: readonly ImagePath[],
  ) {
    this.#closed = closed;
    this.#base = base;
    this.#steps = steps;
    this.#workdirs = workdirs;
  }

  /** A destination that a symlink led elsewhere has nothing where the new base leads to. */
  expectPlace(layer: FileNode, { path, destination, mayBeEmpty }: Placed): void {
    let node: FileNode | undefined = layer;
    for (const component of componentsOf(path)) {
      if (this.#isClosed(node)) {
        this.isOpen = true;
        return;
      }
      node = node?.children?.get(component);
    }
    if (node !== undefined || mayBeEmpty) return;
    this.found.push(`${destination} leads to ${displayPath(path)} there, where the layer has nothing`);
  }

  compare(directory: FileNode, base: FileNode | undefined, at: ImagePath): void {
    for (const [name, node] of directory.children ?? new Map<ByteString, FileNode>()) {
      const path = childPath(at, name);
      const there = base?.children === undefined ? undefined : this.#lookUp(base, path);
      this.#compareNode(node, there, path);
      if (this.#isClosed(node) && (there?.children?.size ?? 0) > 0) this.isOpen = true;
      if (node.children !== undefined) this.compare(node, there, path);
    }
  }

  /** Outside all destinations that the base has a say in, it need not be known. */
  #lookUp(base: FileNode, path: ImagePath): FileNode | undefined {
    return this.#isConcerned(path) ? this.#base.childOf(base, path) : undefined;
  }

  #isConcerned(path: ImagePath): boolean {
    const isOnWay = (to: ImagePath): boolean => isWithin(path, to) || isWithin(to, path);
    return this.#steps.some((step) => !step.link && isOnWay(step.path));
  }

  #isClosed(node: FileNode | undefined): boolean {
    return node !== undefined && this.#closed?.has(node) === true;
  }

  #isOnWayToWorkdir(path: ImagePath): boolean {
    return this.#workdirs.some((workdir) => isWithin(workdir, path));
  }

  #compareNode(node: FileNode, there: FileNode | undefined, path: ImagePath): void {
    const isImplied = node.origin === undefined && this.#closed === undefined;
    if (isImplied) return;
    const isDirectory = node.children !== undefined;
    const isCopied = this.#steps.some((step) => isWithin(path, step.path) && path !== step.path);
    if (isCopied && this.#closed === undefined) this.#compareOwner(node.attributes, path);
    if (!this.#isConcerned(path)) return;
    if (there !== undefined && isDirectory !== (there.children !== undefined)) {
      this.found.push(
        `${displayPath(path)} is a ${node.attributes.type} in the layer, a ${there.attributes.type} there`,
      );
    } else if (isDirectory && !isCopied) {
      this.#compareDirectory(node.attributes, there?.attributes, path);
    }
  }

  /** A directory on the way keeps what the base says, or is made where the base has none. */
  #compareDirectory(own: Attributes, there: Attributes | undefined, path: ImagePath): void {
    const below = this.#steps.filter((step) => isWithin(step.path, path));
    const made: ModeAndOwner[] = below.map(({ mode = 0o755, owner = rootOwner }) => ({ mode, ...owner }));
    if (this.#isOnWayToWorkdir(path)) made.push(plainDirectory);
    const linked = below.some(({ link }) => link) ? [plainDirectory] : [];
    const expected: readonly ModeAndOwner[] = there === undefined ? made : [there, ...linked];
    const isSame = expected.some(
      ({ mode, uid, gid }) => mode === own.mode && uid === own.uid && gid === own.gid,
    );
    if (!isSame) {
      const [first = plainDirectory] = expected;
      const what = there === undefined ? `would be made ${described(first)}` : `is ${described(first)}`;
      this.found.push(`${displayPath(path)} is ${described(own)} in the layer, and ${what} there`);
    } else if (there !== undefined && !haveSameXattrs(own.xattrs, there.xattrs)) {
      this.found.push(`${displayPath(path)} has other extended attributes in the layer than there`);
    }
  }

  /** A file that only steps with a name for its owner can have brought has to have one of their numbers. */
  #compareOwner({ uid, gid }: Attributes, path: ImagePath): void {
    if (this.#isOnWayToWorkdir(path)) return;
    const steps = this.#steps.filter((step) => isWithin(path, step.path));
    if (!steps.every(({ isOwnerNamed }) => isOwnerNamed)) return;
    const [first] = steps.flatMap(({ owner }) => owner ?? []);
    if (first === undefined || steps.some(({ owner }) => owner?.uid === uid && owner.gid === gid)) return;
    this.found.push(
      `${displayPath(path)} belongs to ${uid}:${gid} in the layer, which would be ${first.uid}:${first.gid} there`,
    );
  }
}

type ModeAndOwner = Pick<Attributes, "mode" | "uid" | "gid">;

const rootOwner: Owner = { uid: 0, gid: 0 };

const plainDirectory: ModeAndOwner = { mode: 0o755, ...rootOwner };

function described({ mode, uid, gid }: ModeAndOwner): string {
  return `${mode.toString(8).padStart(4, "0")} ${uid}:${gid}`;
}
