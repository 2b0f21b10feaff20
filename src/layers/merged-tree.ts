import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, textOfBytes } from "../tar/byte-string.ts";
import { type FileNode, impliedDirectory } from "./file-node.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { IndexedEntry, LayerIndex } from "./layer-index.ts";
import {
  childPath,
  cleanPath,
  componentsOf,
  displayPath,
  type ImagePath,
  nameOf,
  parentOf,
  resolveLexically,
  rootPath,
} from "./path.ts";

/** Most symlinks followed on the way to one file, as in the kernel's `MAXSYMLINKS` times its usual depth. */
export const maxSymlinks = 255;

/**
 * Thrown when an answer depends on paths that the layers were not scanned for. By then the view that was asked wants a
 * wider scan: have it scanned, and ask again.
 */
export class UnknownPath extends Error {
  constructor(path: ImagePath) {
    super(`not scanned yet: ${displayPath(path)}`);
  }
}

/** The layers that must be scanned for a path: all, the one at a position, or those from the bottom up to it. */
export type ScanScope = "all" | { readonly only: number } | { readonly upTo: number };

/** Notes that a path must be scanned for, and throws {@link UnknownPath}. */
export type DemandScan = (path: ImagePath, scope: ScanScope) => never;

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

/**
 * The files of an image with its layers applied bottom to top, as far as they were scanned for.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#applying-changesets
 */
export class MergedTree {
  readonly root: FileNode = impliedDirectory();
  readonly #layers: readonly ScannedLayer[];
  readonly #demand: DemandScan;
  readonly #onWarning: (message: string) => void;

  /**
   * @param layers bottom to top.
   * @param demand called for a path that an answer needs and the layers were not scanned for.
   * @throws ComposeImageError `LAYER_INVALID` for a hardlink to a directory or to nothing; {@link UnknownPath} for one
   *   whose target has not been scanned for.
   */
  constructor(layers: readonly ScannedLayer[], demand: DemandScan, onWarning: (message: string) => void) {
    this.#layers = layers;
    this.#demand = demand;
    this.#onWarning = onWarning;
    for (const position of layers.keys()) this.#apply(position);
  }

  /** Whether scans told everything about the path. */
  knows(path: ImagePath): boolean {
    return this.#layers.every(({ index }) => index.interest.knows(path));
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
    while (components.length > 0) {
      const [component = "" as ByteString, ...rest] = components;
      const next = childPath(at, component);
      const child = this.childOf(node, next, rest);
      if (child === undefined) return { path: joined(next, rest), node: undefined, missing: next };
      if (child.attributes.type === "symlink" && (rest.length > 0 || followLast)) {
        followed += 1;
        if (followed > maxSymlinks) {
          throw new ComposeImageError(
            "SOURCE_NOT_FOUND",
            `${subject}: ${displayPath(path)} is a loop of symlinks at ${displayPath(next)}`,
          );
        }
        components = [...componentsOf(resolveLexically(at, child.attributes.linkname)), ...rest];
        at = rootPath;
        node = this.root;
        continue;
      }
      if (child.children === undefined && rest.length > 0) {
        return {
          path: joined(next, rest),
          node: undefined,
          missing: childPath(next, rest[0] ?? ("" as ByteString)),
        };
      }
      at = next;
      node = child;
      components = rest;
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
    if (!this.knows(path)) this.#demand(joined(path, rest), "all");
    return directory.children?.get(nameOf(path));
  }

  #apply(position: number): void {
    const layer = this.#layers[position];
    if (layer === undefined) return;
    const { index, blob } = layer;
    for (const path of index.whiteouts) {
      this.#directoryAt(parentOf(path), false)?.children?.delete(nameOf(path));
    }
    for (const path of index.opaques) this.#directoryAt(path, false)?.children?.clear();
    for (const entry of index.entries) this.#insert(entry, position, blob);
  }

  /**
   * The directory at the path, symlinks followed. Where there is none: `undefined`, or with `make` a new one in place
   * of whatever is there.
   */
  #directoryAt(path: ImagePath, make: boolean): FileNode | undefined {
    let node = this.root;
    let at = rootPath;
    let components = componentsOf(path);
    for (let followed = 0; components.length > 0; ) {
      const [component = "" as ByteString, ...rest] = components;
      const child = node.children?.get(component);
      if (child?.attributes.type === "symlink" && followed < maxSymlinks) {
        followed += 1;
        components = [...componentsOf(resolveLexically(at, child.attributes.linkname)), ...rest];
        node = this.root;
        at = rootPath;
        continue;
      }
      let next = child?.children === undefined ? undefined : child;
      if (next === undefined) {
        if (!make) return undefined;
        next = impliedDirectory();
        node.children?.set(component, next);
      }
      node = next;
      at = childPath(at, component);
      components = rest;
    }
    return node;
  }

  #insert({ path, header, offset }: IndexedEntry, position: number, blob: LayerBlob): void {
    if (path === rootPath) {
      if (header.type === "directory") this.root.attributes = header;
      return;
    }
    const directory = this.#directoryAt(parentOf(path), true)?.children;
    if (directory === undefined) return;
    const name = nameOf(path);
    const existing = directory.get(name);
    if (header.type === "hardlink") {
      directory.set(name, this.#linkTarget({ path, header, offset }, position, blob));
      return;
    }
    if (existing?.layer === position && !(existing.children && header.type === "directory")) {
      this.#onWarning(`${blob.name} holds ${displayPath(path)} more than once; the last one counts`);
    }
    const isDirectory = header.type === "directory";
    directory.set(name, {
      attributes: header,
      body: header.type === "file" && header.size > 0 ? { layer: blob, offset } : undefined,
      layer: position,
      isLinked: false,
      children: isDirectory ? (existing?.children ?? new Map()) : undefined,
    });
  }

  #linkTarget({ path, header }: IndexedEntry, position: number, blob: LayerBlob): FileNode {
    const targetPath = cleanPath(header.linkname, `${blob.name}, hardlink ${displayPath(path)}`);
    const invalid = (what: string): ComposeImageError =>
      new ComposeImageError(
        "LAYER_INVALID",
        `${blob.name}: ${displayPath(path)} is a hardlink to ${textOfBytes(header.linkname)}, which is ${what}`,
        {
          hint: "The layer cannot be unpacked by any tool; build the image again.",
        },
      );
    const target =
      this.#aufsTarget(targetPath, position, blob) ??
      this.#directoryAt(parentOf(targetPath), false)?.children?.get(nameOf(targetPath));
    const isFromThisLayer = target?.layer === position;
    if (!isFromThisLayer) {
      const isKnownHere = this.#layers[position]?.index.interest.knows(targetPath) ?? false;
      if (!isKnownHere) this.#demand(targetPath, { only: position });
      const isKnownBelow = this.#layers
        .slice(0, position)
        .every(({ index }) => index.interest.knows(targetPath));
      if (!isKnownBelow) this.#demand(targetPath, { upTo: position });
    }
    if (target === undefined) throw invalid("not there");
    if (target.children !== undefined) throw invalid("a directory");
    const { mode, uid, gid } = header;
    const { attributes } = target;
    if (attributes.mode !== mode || attributes.uid !== uid || attributes.gid !== gid) {
      target.attributes = { ...attributes, mode, uid, gid };
    }
    target.isLinked = true;
    return target;
  }

  #aufsTarget(path: ImagePath, position: number, blob: LayerBlob): FileNode | undefined {
    const entry = this.#layers[position]?.index.aufsEntries.find((candidate) => candidate.path === path);
    if (entry === undefined) return undefined;
    const { header, offset } = entry;
    return {
      attributes: header,
      body: header.size > 0 ? { layer: blob, offset } : undefined,
      layer: position,
      isLinked: true,
      children: undefined,
    };
  }
}

function joined(path: ImagePath, rest: readonly ByteString[]): ImagePath {
  return rest.reduce((at, component) => childPath(at, component), path);
}
