import type { ByteString } from "../tar/byte-string.ts";
import type { FileNode } from "./file-node.ts";
import type { ImagePath } from "./path.ts";

/**
 * Entries of a layer in the order of its tar, by directory, name and file. Kept in lists and with strings of their own,
 * since there may be millions: a piece cut out of a string would keep the whole string in memory.
 */
export class EntryList {
  /** Of the entries from each of `#starts` on. */
  readonly #directories: ImagePath[] = [];
  readonly #starts: number[] = [];
  readonly #names: ByteString[] = [];
  readonly #files: FileNode[] = [];
  readonly #commonNames = new Map<string, ByteString>();

  /** @param path not the root's. */
  add(path: ImagePath, file: FileNode): void {
    const slash = path.lastIndexOf("/");
    const directory = slash < 0 ? "" : path.slice(0, slash);
    if (this.#directories.at(-1) !== directory) {
      this.#starts.push(this.#files.length);
      this.#directories.push(copyOf(directory) as ImagePath);
    }
    this.#names.push(this.#nameOf(path.slice(slash + 1)));
    this.#files.push(file);
  }

  /** The same names come again and again, `index.js` and the like: each is kept once, as long as they are not too many. */
  #nameOf(piece: string): ByteString {
    const known = this.#commonNames.get(piece);
    if (known !== undefined) return known;
    const name = copyOf(piece) as ByteString;
    if (this.#commonNames.size < maxCommonNames) this.#commonNames.set(name, name);
    return name;
  }

  *[Symbol.iterator](): Generator<readonly [directory: ImagePath, name: ByteString, file: FileNode]> {
    for (const [run, directory] of this.#directories.entries()) {
      const end = this.#starts[run + 1] ?? this.#files.length;
      for (let i = this.#starts[run] ?? end; i < end; i++) {
        const name = this.#names[i];
        const file = this.#files[i];
        if (name !== undefined && file !== undefined) yield [directory, name, file];
      }
    }
  }
}

const maxCommonNames = 4096;

const scratch = Buffer.alloc(4096);

function copyOf(text: string): string {
  if (text.length > scratch.byteLength) return Buffer.from(text, "latin1").toString("latin1");
  return scratch.toString("latin1", 0, scratch.write(text, "latin1"));
}
