import type { ByteString } from "../tar/byte-string.ts";
import type { LayerIndex } from "./layer-index.ts";
import { type ImagePath, nameOf, parentOf } from "./path.ts";

const covered = 1;
const blocked = 2;
const emptied = 4;

/**
 * Whether files of a layer show through the layers above it, as far as names tell. It only saves staging what nobody
 * will see: the merged tree has the last word, and what is then missing is read again.
 */
export class Visibility {
  /** By directory and name. */
  readonly #marks = new Map<ImagePath, Map<ByteString, number>>();
  #isRootEmptied = false;

  /** Puts a layer between those taken so far and the ones asked about. */
  add(index: LayerIndex): void {
    for (const [directory, name, file] of index.entries) {
      this.#mark(directory, name, file.attributes.type === "directory" ? covered : covered | blocked);
    }
    for (const path of index.whiteouts) this.#mark(parentOf(path), nameOf(path), covered | blocked);
    for (const path of index.opaques) {
      if (path === "") this.#isRootEmptied = true;
      else this.#mark(parentOf(path), nameOf(path), emptied);
    }
  }

  /** Whether a file at the path shows. */
  shows(path: ImagePath): boolean {
    if (this.#isRootEmptied) return false;
    if (this.#marks.size === 0) return true;
    let hiding = covered;
    for (let at = path; at !== ""; ) {
      const directory = parentOf(at);
      const mark = this.#marks.get(directory)?.get(nameOf(at)) ?? 0;
      if ((mark & hiding) !== 0) return false;
      hiding = blocked | emptied;
      at = directory;
    }
    return true;
  }

  #mark(directory: ImagePath, name: ByteString, mark: number): void {
    let names = this.#marks.get(directory);
    if (names === undefined) {
      names = new Map();
      this.#marks.set(directory, names);
    }
    names.set(name, (names.get(name) ?? 0) | mark);
  }
}
