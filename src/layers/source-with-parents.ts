import { ComposeImageError } from "../model/errors.ts";
import { bytesOfText, textOfBytes } from "../tar/byte-string.ts";
import type { FileNode } from "./file-node.ts";
import { compileGoMatch, hasWildcards } from "./go-match.ts";
import type { MergedTree } from "./merged-tree.ts";
import { childPath, displayPath, type ImagePath, resolveLexically, rootPath } from "./path.ts";

/** What a source stands for that keeps its directories. */
export interface SelectedFiles {
  /** The directory that paths are kept from. */
  readonly root: { readonly node: FileNode; readonly path: ImagePath };
  /** Paths of what is taken, directories with all below them. */
  readonly selected: ReadonlySet<ImagePath>;
  /** Paths of directories on the way to these. */
  readonly above: ReadonlySet<ImagePath>;
}

/**
 * What a source of `COPY --parents` stands for. What follows `/./` is kept of its path, by default all; there `**` stands
 * for any number of directories. Symlinks are followed up to that place alone.
 *
 * @throws UnknownPath; ComposeImageError `SOURCE_NOT_FOUND` for a path, not for a pattern, that is missing.
 * @see https://docs.docker.com/reference/dockerfile/#copy---parents
 */
export function findWithParents(tree: MergedTree, source: string, imageName: string): SelectedFiles {
  const pivot = source.indexOf("/./");
  const before = pivot < 0 ? "" : source.slice(0, pivot);
  const components = componentsOf(pivot < 0 ? source : source.slice(pivot));
  const start = tree.walk(resolveLexically(rootPath, bytesOfText(before)), true, imageName);
  const firstWild = components.findIndex(hasWildcards);
  const literal = components.slice(0, firstWild < 0 ? components.length : firstWild);
  const missing = (path: ImagePath): ComposeImageError =>
    new ComposeImageError("SOURCE_NOT_FOUND", `${imageName} has no ${displayPath(path)}`, {
      hint: "Check the path; it is meant from the image's root.",
    });
  if (start.node?.children === undefined) throw missing(start.path);
  const selection = new Selection();
  let { node, path } = { node: start.node, path: start.path };
  const way: ImagePath[] = [];
  for (const component of literal) {
    way.push(path);
    const name = bytesOfText(component);
    path = childPath(path, name);
    const child = tree.walk(path, false, imageName).node;
    if (child === undefined) {
      if (firstWild < 0) throw missing(path);
      return { root: { node: start.node, path: start.path }, selected: new Set(), above: new Set() };
    }
    node = child;
  }
  if (node.children !== undefined) tree.requireSubtree(path);
  selection.select(node, path, components.slice(literal.length), way);
  return { root: { node: start.node, path: start.path }, ...selection };
}

function componentsOf(path: string): string[] {
  const components: string[] = [];
  for (const component of path.split("/")) {
    if (component === "..") components.pop();
    else if (component !== "" && component !== ".") components.push(component);
  }
  return components;
}

class Selection {
  readonly selected = new Set<ImagePath>();
  readonly above = new Set<ImagePath>();

  /** Selects what a pattern matches below a file. */
  select(node: FileNode, path: ImagePath, pattern: readonly string[], way: readonly ImagePath[]): void {
    const [component, ...rest] = pattern;
    if (component === undefined) {
      this.selected.add(path);
      for (const directory of way) this.above.add(directory);
      return;
    }
    const isAnyDepth = component === "**";
    if (isAnyDepth) this.select(node, path, rest, way);
    const accepts = isAnyDepth ? () => true : compileGoMatch(component);
    const below = [...way, path];
    for (const [name, child] of node.children ?? []) {
      if (!accepts(textOfBytes(name))) continue;
      this.select(child, childPath(path, name), isAnyDepth ? pattern : rest, below);
    }
  }
}
