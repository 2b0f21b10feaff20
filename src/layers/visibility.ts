import type { LayerIndex } from "./layer-index.ts";
import { type ImagePath, parentOf } from "./path.ts";

const covered = 1;
const blocked = 2;
const emptied = 4;

/**
 * Whether files of a layer show through the layers above it, as far as names tell. It only saves staging what nobody
 * will see: the merged tree has the last word, and what is then missing is read again.
 */
export class Visibility {
  readonly #paths = new Map<ImagePath, number>();

  /** Puts a layer between those taken so far and the ones asked about. */
  add(index: LayerIndex): void {
    for (const { path, header } of index.entries)
      this.#mark(path, header.type === "directory" ? covered : covered | blocked);
    for (const path of index.whiteouts) this.#mark(path, covered | blocked);
    for (const path of index.opaques) this.#mark(path, emptied);
  }

  /** Whether a file at the path shows. */
  shows(path: ImagePath): boolean {
    if (this.#paths.size === 0) return true;
    if (((this.#paths.get(path) ?? 0) & covered) !== 0) return false;
    for (let at = path; at !== ""; ) {
      at = parentOf(at);
      if (((this.#paths.get(at) ?? 0) & (blocked | emptied)) !== 0) return false;
    }
    return true;
  }

  #mark(path: ImagePath, mark: number): void {
    this.#paths.set(path, (this.#paths.get(path) ?? 0) | mark);
  }
}
