import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, textOfBytes } from "../tar/byte-string.ts";
import { directoryNode, type FileNode, impliedDirectory } from "./file-node.ts";
import type { Interest } from "./interest.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { LayerIndex } from "./layer-index.ts";
import {
  childPath,
  cleanPath,
  componentsOf,
  displayPath,
  expectPathLength,
  type ImagePath,
  nameOf,
  parentOf,
  resolveLexically,
  rootPath,
} from "./path.ts";
import { UnknownPath } from "./unknown-path.ts";
import { expectNoMarker } from "./whiteout.ts";

/** Most symlinks followed on the way to one file, as in the kernel's `MAXSYMLINKS` times its usual depth. */
export const maxSymlinks = 255;

/** The layers that must be scanned for a path: all, the one at a position, or those from the bottom up to it. */
export type ScanScope = "all" | { readonly only: number } | { readonly upTo: number };

/**
 * Notes that layers must be scanned for a path: all of them for the whole subtree there, single ones or some for the
 * path itself.
 */
export type DemandScan = (path: ImagePath, scope: ScanScope) => void;

/** What a walk down a path found. */
export interface Walk {
  /** The path with all symlinks followed that were to be followed. */
  readonly path: ImagePath;
  /** Absent when nothing is there. */
  readonly node: FileNode | undefined;
  /** When nothing is there: the first path, as walked, at which the walk ended. */
  readonly missing: ImagePath | undefined;
}

/** A layer applied to a {@link MergedTree}. */
export interface ScannedLayer {
  readonly blob: LayerBlob;
  readonly index: LayerIndex;
}

/** A place for a file: its directory with all symlinks followed, and the name there. */
interface Slot {
  readonly path: ImagePath;
  readonly directory: Map<ByteString, FileNode> | undefined;
}

/**
 * The files of an image with its layers applied bottom to top, as far as they were scanned for.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#applying-changesets
 */
export class MergedTree {
  readonly root: FileNode = impliedDirectory();
  readonly #layers: readonly ScannedLayer[];
  /** Those of the layers, each once. */
  readonly #interests: readonly Interest[];
  readonly #demand: DemandScan;
  readonly #onWarning: (message: string) => void;
  /** The first hardlink target that scans have not told about. */
  #unknown: ImagePath | undefined;
  #hasLinks = false;
  /** The directory an entry was last put into. */
  #last: { readonly path: ImagePath; readonly children: Map<ByteString, FileNode> } | undefined;
  /** For each file of AUFS that a hardlink leads to, a directory that holds nothing else. */
  readonly #aufsDirectories = new Map<FileNode, Map<ByteString, FileNode>>();

  /**
   * @param layers bottom to top.
   * @param demand called for a path that an answer needs and the layers were not scanned for.
   * @throws ComposeImageError `LAYER_INVALID` for a hardlink to a directory or to nothing; {@link UnknownPath} for one
   *   whose target has not been scanned for.
   */
  constructor(layers: readonly ScannedLayer[], demand: DemandScan, onWarning: (message: string) => void) {
    this.#layers = layers;
    this.#interests = [...new Set(layers.map(({ index }) => index.interest))];
    this.#demand = demand;
    this.#onWarning = onWarning;
    for (const [position, layer] of layers.entries()) this.#apply(position, layer);
    if (this.#unknown !== undefined) throw new UnknownPath(this.#unknown);
  }

  /** Whether any file has several names. */
  get hasLinks(): boolean {
    return this.#hasLinks;
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

  #apply(position: number, { index, blob }: ScannedLayer): void {
    if (index.whiteouts.size > 0 || index.opaques.size > 0) this.#makeWayForDirectories(index);
    for (const path of index.whiteouts) this.#slot(path).directory?.delete(nameOf(path));
    for (const path of index.opaques) this.#childrenAt(path, false)?.clear();
    if (index.root !== undefined) Object.assign(this.root, index.root);
    this.#last = undefined;
    for (const path of index.impliedDirectories) this.#childrenAt(path, true);
    for (const [directory, name, file] of index.entries) this.#insert(directory, name, file, position, blob);
  }

  /**
   * Where this layer has a directory in place of a lower symlink or file, its markers below are about the directory,
   * not about what the symlink leads to.
   */
  #makeWayForDirectories({ entries, whiteouts, opaques }: LayerIndex): void {
    const marked = directoriesAbove(whiteouts, opaques);
    for (const [directory, name, file] of entries) {
      if (file.attributes.type !== "directory" || !marked.has(childPath(directory, name))) continue;
      const siblings = this.#childrenAt(directory, false);
      const existing = siblings?.get(name);
      if (existing !== undefined && existing.children === undefined) siblings?.set(name, impliedDirectory());
    }
  }

  /** Where a path leads when symlinks above its last component are followed. */
  #slot(path: ImagePath): Slot {
    const name = nameOf(path);
    let realParent = parentOf(path);
    const directory = this.#childrenAt(realParent, false, (real) => {
      realParent = real;
    });
    return { path: childPath(realParent, name), directory };
  }

  /**
   * What is in the directory at the path, symlinks followed. Where there is none: `undefined`, or with `make` a new one
   * in place of whatever is there.
   *
   * @param onResolved told where the path leads, as far as that could be seen.
   */
  #childrenAt(
    path: ImagePath,
    make: boolean,
    onResolved?: (real: ImagePath) => void,
  ): Map<ByteString, FileNode> | undefined {
    let children = this.root.children;
    let at = rootPath;
    let components = componentsOf(path);
    let followed = 0;
    for (let i = 0; i < components.length; i++) {
      const component = components[i] ?? ("" as ByteString);
      const child = children?.get(component);
      if (isSymlink(child) && followed < maxSymlinks) {
        followed += 1;
        components = followedComponents(at, child, components, i);
        i = -1;
        children = this.root.children;
        at = rootPath;
        continue;
      }
      let next = child?.children;
      if (next === undefined) {
        if (!make) {
          onResolved?.(joined(at, components.slice(i)));
          return undefined;
        }
        expectNoMarker(component, childPath(at, component));
        const made = impliedDirectory();
        children?.set(component, made);
        next = made.children;
      }
      children = next;
      at = childPath(at, component);
    }
    onResolved?.(at);
    return children;
  }

  #insert(directory: ImagePath, name: ByteString, file: FileNode, position: number, blob: LayerBlob): void {
    if (this.#last?.path !== directory) {
      const children = this.#childrenAt(directory, true, (real) => expectPathLength(real, blob.name));
      if (children === undefined) return;
      this.#last = { path: directory, children };
    }
    const { children: siblings } = this.#last;
    const existing = siblings.get(name);
    const isDirectory = file.attributes.type === "directory";
    const merges = existing?.children !== undefined && isDirectory;
    if (existing?.origin?.position === position && !merges) {
      const path = childPath(directory, name);
      this.#onWarning(`${blob.name} holds ${displayPath(path)} more than once; the last one counts`);
    }
    const changesPaths = !merges && (existing?.children !== undefined || isSymlink(existing));
    if (isDirectory) {
      siblings.set(name, directoryNode(file.attributes, file.mtime, file.origin, existing?.children));
    } else if (file.attributes.type === "hardlink") {
      const target = this.#linkTarget(childPath(directory, name), file, position, blob);
      if (target !== undefined) siblings.set(name, target);
    } else {
      siblings.set(name, file);
    }
    if (changesPaths) this.#last = undefined;
  }

  /**
   * The file a hardlink leads to, as this layer and those below have it; `undefined` when that is not known yet.
   *
   * @throws ComposeImageError `LAYER_INVALID`
   */
  #linkTarget(path: ImagePath, link: FileNode, position: number, blob: LayerBlob): FileNode | undefined {
    const { linkname, mode, uid, gid } = link.attributes;
    const named = cleanPath(linkname, `${blob.name}, hardlink ${displayPath(path)}`);
    const aufsFile = this.#layers[position]?.index.aufsFiles.get(named);
    const slot: Slot =
      aufsFile === undefined
        ? this.#slot(named)
        : { path: named, directory: this.#aufsDirectory(named, aufsFile) };
    const target = slot.directory?.get(nameOf(slot.path));
    if (target?.origin?.position !== position && !this.#knowsUpTo(slot.path, position)) return undefined;
    const invalid = (what: string): ComposeImageError =>
      new ComposeImageError(
        "LAYER_INVALID",
        `${blob.name}: ${displayPath(path)} is a hardlink to ${textOfBytes(linkname)}, which is ${what}`,
        { hint: "The layer cannot be unpacked by any tool; build the image again." },
      );
    if (target === undefined) {
      if (this.#unknown !== undefined) return undefined;
      throw invalid("not there");
    }
    if (target.children !== undefined) throw invalid("a directory");
    const { attributes } = target;
    const differs = attributes.mode !== mode || attributes.uid !== uid || attributes.gid !== gid;
    const shared = differs ? { ...attributes, mode, uid, gid } : attributes;
    if (target.isLinked === true) {
      target.attributes = shared;
      return target;
    }
    const linked: FileNode = { ...target, attributes: shared, isLinked: true };
    this.#hasLinks = true;
    slot.directory?.set(nameOf(slot.path), linked);
    return linked;
  }

  /** Whether a layer and those below it were scanned for a path; where not, that is demanded. */
  #knowsUpTo(path: ImagePath, position: number): boolean {
    const knows = ({ index }: ScannedLayer): boolean => index.interest.knows(path);
    const layer = this.#layers[position];
    if (this.knows(path) || layer === undefined) return true;
    if (!knows(layer)) this.#demand(path, { only: position });
    else if (!this.#layers.slice(0, position).every(knows)) this.#demand(path, { upTo: position });
    else return true;
    this.#unknown ??= path;
    return false;
  }

  /** AUFS's own files are seen by hardlinks only; all that lead to one share it. */
  #aufsDirectory(path: ImagePath, file: FileNode): Map<ByteString, FileNode> {
    const name = nameOf(path);
    let directory = this.#aufsDirectories.get(file);
    if (directory === undefined) {
      directory = new Map([[name, file]]);
      this.#aufsDirectories.set(file, directory);
    }
    return directory;
  }
}

/** All directories that hold markers, those above them included. */
function directoriesAbove(
  whiteouts: ReadonlySet<ImagePath>,
  opaques: ReadonlySet<ImagePath>,
): ReadonlySet<ImagePath> {
  const above = new Set<ImagePath>();
  const addFrom = (directory: ImagePath): void => {
    for (let at = directory; at !== rootPath && !above.has(at); at = parentOf(at)) above.add(at);
  };
  for (const path of whiteouts) addFrom(parentOf(path));
  for (const path of opaques) addFrom(path);
  return above;
}

function isSymlink(file: FileNode | undefined): file is FileNode {
  return file?.attributes.type === "symlink";
}

/** The components of a path after the symlink that lies at its `i`-th, in `at`, was followed. */
function followedComponents(
  at: ImagePath,
  link: FileNode,
  components: readonly ByteString[],
  i: number,
): ByteString[] {
  return componentsOf(resolveLexically(at, link.attributes.linkname)).concat(components.slice(i + 1));
}

function joined(path: ImagePath, rest: readonly ByteString[]): ImagePath {
  return rest.length === 0 ? path : childPath(path, rest.join("/") as ByteString);
}
