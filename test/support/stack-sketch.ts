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
  /** Directories that this layer has made opaque. */
  readonly #opaque = new Set<string>();
  /** What this layer's hardlinks lead to. */
  readonly #linked = new Set<string>();
  /** Whether this layer has entries by way of a symlink. */
  #followsLinks = false;
  #layer = 0;

  beginLayer(): void {
    this.#layer += 1;
    this.#marked.clear();
    this.#opaque.clear();
    this.#linked.clear();
    this.#followsLinks = false;
  }

  add(path: string, entry: CaseEntry): void {
    this.#followsLinks ||= this.#isBelowLink(path);
    if (entry.header.type !== "directory") {
      for (const other of this.#files.keys()) if (other.startsWith(`${path}/`)) this.#files.delete(other);
    }
    this.#files.set(path, { entry, layer: this.#layer });
  }

  link(path: string, target: string, entry: CaseEntry): void {
    this.#linked.add(target);
    this.add(path, entry);
  }

  whiteOut(path: string): void {
    this.#marked.add(path.replace(/\/?[^/]+$/, ""));
    this.#removeLower(path, true);
  }

  makeOpaque(directory: string): void {
    this.#marked.add(directory);
    this.#opaque.add(directory);
    this.#removeLower(directory, false);
  }

  /** Whether this layer has made the directory opaque already. */
  isOpaque(directory: string): boolean {
    return this.#opaque.has(directory);
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

  /** What a hardlink at the path may lead to: nothing where it would replace a directory, maybe the target's own. */
  linkTargets(path: string): { readonly path: string; readonly entry: CaseEntry }[] {
    const isDirectory = this.#files.get(path)?.entry.header.type === "directory";
    if (isDirectory || this.paths().some((other) => other.startsWith(`${path}/`))) return [];
    return [...this.#files].flatMap(([other, { entry }]) =>
      entry.header.type === "directory" ||
      other === path ||
      this.#mayBeSame(path, other) ||
      this.#mayBeAnother(other, entry)
        ? []
        : [{ path: other, entry }],
    );
  }

  /** Whether nothing but directories, and symlinks to them, is above the path. */
  liesInDirectories(path: string): boolean {
    return ancestorsOf(path).every((above) => !this.#files.has(above) || this.#leadsToDirectory(above));
  }

  /** Whether the layer's markers lie in directories when it has an entry there. */
  keepsMarkers(path: string, kind: string): boolean {
    return (
      kind === "directory" ||
      ![...this.#marked].some((marked) => marked === path || marked.startsWith(`${path}/`))
    );
  }

  /**
   * Whether a marker hides only what the layer does not build on: neither what its hardlinks lead to, nor a lower
   * directory that it has files in but no entry for. What becomes of those is up to the order of the entries in some
   * tools, and no rule says it.
   */
  mayHide(path: string): boolean {
    if (this.#followsLinks) return false;
    const isBelow = (other: string) => other === path || other.startsWith(`${path}/`);
    if ([...this.#linked].some((target) => isBelow(target) || path.startsWith(`${target}/`))) return false;
    return [...this.#files].every(
      ([other, { layer }]) =>
        layer < this.#layer ||
        !isBelow(other) ||
        ancestorsOf(other).every((above) => !isBelow(above) || this.#files.get(above)?.layer === this.#layer),
    );
  }

  /** Whether any tool does the same with an entry there. */
  isPlain(path: string, kind: string): boolean {
    const there = this.#files.get(path);
    if (kind === "whiteout" || kind === "opaque") return there !== undefined && there.layer < this.#layer;
    if (there?.layer === this.#layer) return false;
    // What is below may lie in a directory that has no entry.
    if (kind !== "directory" && this.paths().some((other) => other.startsWith(`${path}/`))) return false;
    const isDirectory = there?.entry.header.type === "directory";
    if (there !== undefined && isDirectory !== (kind === "directory")) return false;
    // containers/storage leaves a lower directory's attributes beside the upper's.
    if (isDirectory && there !== undefined && there.entry.header.xattrs.size > 0) return false;
    return ancestorsOf(path).every((above) => {
      const found = this.#files.get(above);
      return found === undefined || found.entry.header.type === "directory";
    });
  }

  /** Whether two paths may lead to the same name, by way of a symlink. */
  #mayBeSame(path: string, other: string): boolean {
    const isLinked = this.#isBelowLink(path) || this.#isBelowLink(other);
    return isLinked && path.replace(/.*\//, "") === other.replace(/.*\//, "");
  }

  /** Whether, by way of a symlink, another entry may have taken the place of the one that was given to the path. */
  #mayBeAnother(path: string, entry: CaseEntry): boolean {
    return [...this.#files].some(
      ([other, there]) => other !== path && there.entry !== entry && this.#mayBeSame(path, other),
    );
  }

  #isBelowLink(path: string): boolean {
    return ancestorsOf(path).some((above) => this.#files.get(above)?.entry.header.type === "symlink");
  }

  #removeLower(top: string, itself: boolean): void {
    for (const [path, { layer }] of this.#files) {
      if (layer === this.#layer) continue;
      if (path.startsWith(`${top}/`) || (itself && path === top)) this.#files.delete(path);
    }
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
