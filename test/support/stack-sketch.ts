import { type ImagePath, resolveLexically } from "../../src/layers/path.ts";
import type { CaseEntry } from "../layers/support/case-entry.ts";

/** A file that the layers so far hold, roughly. */
interface Sketched {
  readonly entry: CaseEntry;
  readonly layer: number;
}

/**
 * Roughly what layers hold while they are being made up, so that links, markers and collisions mostly concern something.
 * It looks at names only and follows no symlink; a wrong guess makes a layer that both sides refuse.
 */
export class StackSketch {
  readonly #files = new Map<string, Sketched>();
  /** Directories in which this layer has markers. */
  readonly #marked = new Set<string>();
  #layer = 0;

  beginLayer(): void {
    this.#layer += 1;
    this.#marked.clear();
  }

  add(path: string, entry: CaseEntry): void {
    if (entry.header.type !== "directory") this.remove(path);
    this.#files.set(path, { entry, layer: this.#layer });
  }

  /** A whiteout. */
  remove(path: string): void {
    this.#files.delete(path);
    this.#removeBelow(path);
  }

  /** An opaque marker. */
  empty(directory: string): void {
    this.#marked.add(directory);
    this.#removeBelow(directory);
  }

  /** Everything there, in the order it came. */
  paths(): string[] {
    return [...this.#files.keys()];
  }

  /** Directories of lower layers, or all directories and the symlinks to some. */
  directories(which: "lower" | "any"): string[] {
    return [...this.#files].flatMap(([path, { entry, layer }]) => {
      const isFound =
        which === "any"
          ? this.#leadsToDirectory(path)
          : entry.header.type === "directory" && layer < this.#layer;
      return isFound ? [path] : [];
    });
  }

  /** What a hardlink at the path may lead to. */
  linkTargets(path: string): { readonly path: string; readonly entry: CaseEntry }[] {
    return [...this.#files].flatMap(([other, { entry }]) =>
      entry.header.type === "directory" || other === path || other.startsWith(`${path}/`)
        ? []
        : [{ path: other, entry }],
    );
  }

  /** Whether the layer makes sense with an entry there: nothing lies below a file, and markers lie in directories. */
  isSensible(path: string, kind: string): boolean {
    const isDirectory = kind === "directory";
    for (const marked of this.#marked) {
      if (!isDirectory && (marked === path || marked.startsWith(`${path}/`))) return false;
    }
    return ancestorsOf(path).every((above) => !this.#files.has(above) || this.#leadsToDirectory(above));
  }

  /** Whether any tool does the same with an entry there. */
  isPlain(path: string, kind: string): boolean {
    const there = this.#files.get(path);
    if (kind === "whiteout" || kind === "opaque") return there !== undefined && there.layer < this.#layer;
    if (there?.layer === this.#layer) return false;
    const isDirectory = there?.entry.header.type === "directory";
    if (there !== undefined && isDirectory !== (kind === "directory")) return false;
    return ancestorsOf(path).every((above) => this.#files.get(above)?.entry.header.type === "directory");
  }

  #removeBelow(directory: string): void {
    const start = directory === "" ? "" : `${directory}/`;
    for (const path of this.#files.keys()) if (path.startsWith(start)) this.#files.delete(path);
  }

  #leadsToDirectory(path: string): boolean {
    const header = this.#files.get(path)?.entry.header;
    if (header?.type !== "symlink") return header?.type === "directory";
    const directory = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    const target = resolveLexically(directory as ImagePath, header.linkname);
    return this.#files.get(target)?.entry.header.type === "directory";
  }
}

function ancestorsOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}
