import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, textOfBytes } from "../tar/byte-string.ts";
import { directoryNode, type FileNode, impliedDirectory } from "./file-node.ts";
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
  rootPath,
} from "./path.ts";
import { followedComponents, isSymlink, joined, maxSymlinks } from "./symlinks.ts";
import { UnknownPath } from "./unknown-path.ts";
import { expectNoMarker } from "./whiteout.ts";

/** The layers that must be scanned for a path: all, the one at a position, or those from the bottom up to it. */
export type ScanScope = "all" | { readonly only: number } | { readonly upTo: number };

/**
 * Notes that layers must be scanned for a path: all of them for the whole subtree there, single ones or some for the
 * path itself.
 */
export type DemandScan = (path: ImagePath, scope: ScanScope) => void;

/** A layer, and what a scan has told of it. */
export interface ScannedLayer {
  readonly blob: LayerBlob;
  readonly index: LayerIndex;
}

/** A place for a file: its directory with all symlinks followed, and the name there. */
interface Slot {
  readonly path: ImagePath;
  readonly directory: Map<ByteString, FileNode> | undefined;
}

/** What layers come to. */
export interface AppliedLayers {
  readonly root: FileNode;
  /** Whether any file has several names. */
  readonly hasLinks: boolean;
}

/**
 * Applies layers, as far as they were scanned, one on top of the other.
 *
 * @param layers bottom to top.
 * @param demand called for a path that a hardlink needs and the layers were not scanned for.
 * @throws ComposeImageError `LAYER_INVALID` for a hardlink to a directory or to nothing; {@link UnknownPath} for one
 *   whose target has not been scanned for.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#applying-changesets
 */
export function applyLayers(
  layers: readonly ScannedLayer[],
  demand: DemandScan,
  onWarning: (message: string) => void,
): AppliedLayers {
  const stack = new LayerStack(layers, demand, onWarning);
  for (const [position, layer] of layers.entries()) stack.apply(position, layer);
  if (stack.unknown !== undefined) throw new UnknownPath(stack.unknown);
  return stack;
}

class LayerStack implements AppliedLayers {
  readonly root: FileNode = impliedDirectory();
  hasLinks = false;
  /** The first hardlink target that scans have not told about. */
  unknown: ImagePath | undefined;
  readonly #layers: readonly ScannedLayer[];
  readonly #demand: DemandScan;
  readonly #onWarning: (message: string) => void;
  /** The directory an entry was last put into. */
  #last: { readonly path: ImagePath; readonly children: Map<ByteString, FileNode> } | undefined;
  /** For each file of AUFS that a hardlink leads to, a directory that holds nothing else. */
  readonly #aufsDirectories = new Map<FileNode, Map<ByteString, FileNode>>();

  constructor(layers: readonly ScannedLayer[], demand: DemandScan, onWarning: (message: string) => void) {
    this.#layers = layers;
    this.#demand = demand;
    this.#onWarning = onWarning;
  }

  apply(position: number, { index, blob }: ScannedLayer): void {
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
      if (this.unknown !== undefined) return undefined;
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
    this.hasLinks = true;
    slot.directory?.set(nameOf(slot.path), linked);
    return linked;
  }

  /** Whether a layer and those below it were scanned for a path; where not, that is demanded. */
  #knowsUpTo(path: ImagePath, position: number): boolean {
    const knows = ({ index }: ScannedLayer): boolean => index.interest.knows(path);
    const layer = this.#layers[position];
    if (layer === undefined || this.#layers.every(knows)) return true;
    if (!knows(layer)) this.#demand(path, { only: position });
    else if (!this.#layers.slice(0, position).every(knows)) this.#demand(path, { upTo: position });
    else return true;
    this.unknown ??= path;
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
