import type { Content } from "../io/content.ts";
import type { ByteString } from "../tar/byte-string.ts";
import type { Timestamp } from "../tar/entry.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../tar/writer.ts";
import type { FileNode } from "./file-node.ts";
import { childPath, type ImagePath, rootPath } from "./path.ts";
import { expectNoMarker } from "./whiteout.ts";

/** An entry of the new layer. */
export interface LayerEntry {
  readonly path: ImagePath;
  readonly node: FileNode;
  /** Set where the entry is a hardlink to an earlier one. */
  readonly linkTo: ImagePath | undefined;
}

/**
 * The entries of a tree in bytewise order of their names as tar writes them, directories with a slash at the end: so
 * parents come before children, and hardlinks after the first of their names, which is the file. The root is left out.
 */
export function* layerEntries(root: FileNode): Generator<LayerEntry> {
  const firstPaths = new Map<FileNode, ImagePath>();
  for (const { path, node } of sorted(root)) {
    const linkTo = firstPaths.get(node);
    if (linkTo === undefined && node.isLinked === true && node.attributes.type === "file")
      firstPaths.set(node, path);
    yield { path, node, linkTo };
  }
}

/**
 * The tree as a tar archive. A chunk's bytes are good until the next one is asked for: who keeps them has to copy them.
 *
 * @param latest seconds since the epoch; later modification times are set back to it.
 * @param readBody gives a file's content, in one piece where that needs no waiting; the piece is used at once.
 */
export async function* layerTar(
  root: FileNode,
  latest: number | undefined,
  readBody: (file: FileNode) => Content | Uint8Array,
): AsyncGenerator<Uint8Array> {
  const batch = new Batch();
  for (const { path, node, linkTo } of layerEntries(root)) {
    const { attributes, size } = node;
    const mtime = clamped(node.mtime, latest);
    if (linkTo !== undefined) {
      batch.add(encodeHeader({ ...attributes, mtime, path, type: "hardlink", linkname: linkTo, size: 0 }));
    } else {
      batch.add(encodeHeader({ ...attributes, mtime, path, size }));
      if (size > 0) {
        const body = readBody(node);
        if (body instanceof Uint8Array && size <= smallBody) {
          batch.add(body);
        } else {
          yield batch.take();
          if (body instanceof Uint8Array) yield body;
          else yield* body;
        }
        batch.add(bodyPadding(size));
      }
    }
    if (batch.isFull) yield batch.take();
  }
  batch.add(endOfArchive);
  yield batch.take();
}

/** Larger contents are passed on without copying. */
const smallBody = 16 * 1024;

const batchSize = 64 * 1024;

/** Joins small pieces, of which there may be millions, to chunks worth passing on. */
class Batch {
  #buffer = Buffer.allocUnsafeSlow(2 * batchSize);
  #length = 0;

  get isFull(): boolean {
    return this.#length >= batchSize;
  }

  add(piece: Uint8Array): void {
    const length = this.#length + piece.byteLength;
    if (length > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafeSlow(2 * length);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** The bytes so far, good until more are added; they begin anew then. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return bytes;
  }
}

function clamped(mtime: Timestamp, latest: number | undefined): Timestamp {
  return latest !== undefined && Number(mtime) > latest ? String(latest) : mtime;
}

/** A directory on the way down, with what is in it and how far the way has come. */
interface Level {
  readonly path: ImagePath;
  readonly node: FileNode;
  /** Sorted; directories' with a slash at the end. */
  readonly names: readonly string[];
  next: number;
}

function* sorted(root: FileNode): Generator<{ readonly path: ImagePath; readonly node: FileNode }> {
  const levels = [levelOf(rootPath, root)];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const sortedName = level.names[level.next];
    level.next += 1;
    if (sortedName === undefined) {
      levels.pop();
      continue;
    }
    const name = (sortedName.endsWith("/") ? sortedName.slice(0, -1) : sortedName) as ByteString;
    const node = level.node.children?.get(name);
    if (node === undefined) continue;
    const path = childPath(level.path, name);
    expectNoMarker(name, path);
    yield { path, node };
    if (node.children !== undefined) levels.push(levelOf(path, node));
  }
}

function levelOf(path: ImagePath, node: FileNode): Level {
  const names: string[] = [];
  for (const [name, child] of node.children ?? [])
    names.push(child.children === undefined ? name : `${name}/`);
  names.sort((a, b) => (a < b ? -1 : 1));
  return { path, node, names, next: 0 };
}
