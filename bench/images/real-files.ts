import { lstatSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import type { LayerContents } from "./layer-contents.ts";

/** A file of this machine. */
export interface RealFile {
  readonly path: string;
  /** Bytes, at least 1. */
  readonly size: number;
}

/**
 * The files below some folders, in the order of folders and names; folders that are not there hold none. No symlinks,
 * nothing that only root may read, no file twice.
 */
export function* realFiles(folders: readonly string[]): Generator<RealFile> {
  for (const folder of folders) yield* below(folder);
}

function* below(folder: string): Generator<RealFile> {
  for (const entry of entriesOf(folder)) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* below(path);
    if (!entry.isFile()) continue;
    const { size, mode } = lstatSync(path);
    if (size > 0 && (mode & 0o004) !== 0) yield { path, size };
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** Hands out files one after the other; when they run out it begins again, under another version's folder. */
export class FilePool {
  readonly #files: readonly RealFile[];
  #next = 0;

  /** @param files at least one. */
  constructor(files: Iterable<RealFile>) {
    this.#files = [...files];
    if (this.#files.length === 0) throw new Error("there are no files to make images of");
  }

  /** Adds files to a layer, below a folder of the image, until it has grown by `bytes` or by `count` files. */
  fill(layer: LayerContents, folder: string, bytes: number, count = Number.POSITIVE_INFINITY): void {
    let added = 0;
    for (let files = 0; added < bytes && files < count; files++) {
      const version = Math.floor(this.#next / this.#files.length) + 1;
      const file = this.#files[this.#next++ % this.#files.length];
      if (file === undefined) return;
      layer.file(posix.join(folder, `v${version}`, file.path), { path: file.path }, { mode: 0o644 });
      added += file.size;
    }
  }
}
