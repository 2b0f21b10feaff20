import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, bytesOfText, textOfBytes } from "../tar/byte-string.ts";
import type { FileNode } from "./file-node.ts";
import { compileGoMatch, hasWildcards } from "./go-match.ts";
import type { MergedTree } from "./merged-tree.ts";
import { childPath, displayPath, type ImagePath, nameOf, resolveLexically, rootPath } from "./path.ts";
import { askAll } from "./unknown-path.ts";

/** A file that a source path or pattern stands for. */
export interface FoundSource {
  /** Where it is, all symlinks followed. */
  readonly path: ImagePath;
  readonly node: FileNode;
  /** What a copy of it is called: the last component as it was asked for. */
  readonly name: ByteString;
}

/** The part of a source that has no wildcards: what lies below it has to be scanned for. */
export function literalPrefix(source: string): ImagePath {
  const components = source.split("/");
  const firstWild = components.findIndex(hasWildcards);
  const literal = firstWild < 0 ? components : components.slice(0, firstWild);
  return resolveLexically(rootPath, bytesOfText(literal.join("/")));
}

/** The components of a source from the first with wildcards on; none for a path. */
export function wildcardComponents(source: string): string[] {
  const components = source.split("/");
  const firstWild = components.findIndex(hasWildcards);
  if (firstWild < 0) return [];
  return components.slice(firstWild).filter((component) => component !== "" && component !== ".");
}

/**
 * What a source stands for. Every component of a path is followed if it is a symlink; of a pattern, those before the
 * first wildcard and the file matched. A pattern may match nothing; one whose wildcards are all escaped is a path.
 *
 * @throws UnknownPath; ComposeImageError `SOURCE_NOT_FOUND` naming the image, the path and the component that is
 *   missing.
 */
export function findSources(tree: MergedTree, source: string, imageName: string): FoundSource[] {
  const prefix = literalPrefix(source);
  const wild = wildcardComponents(source);
  if (wild.length === 0) return [findLiteral(tree, prefix, imageName)];
  const isPath = !hasWildcards(source.replaceAll(/\\./gs, ""));
  const start = tree.walk(prefix, true, imageName);
  const unescaped = resolveLexically(rootPath, bytesOfText(source.replaceAll(/\\(.)/gs, "$1")));
  if (start.node?.children === undefined) return isPath ? [findLiteral(tree, unescaped, imageName)] : [];
  tree.requireSubtree(start.path);
  let matches: { path: ImagePath; node: FileNode }[] = [{ path: start.path, node: start.node }];
  for (const component of wild) {
    const accepts = compileGoMatch(component);
    matches = matches.flatMap(({ path, node }) =>
      [...(node.children ?? [])]
        .filter(([name]) => accepts(textOfBytes(name)))
        .map(([name, child]) => ({ path: childPath(path, name), node: child })),
    );
  }
  if (isPath && matches.length === 0) return [findLiteral(tree, unescaped, imageName)];
  const paths = matches.map(({ path }) => path).sort((a, b) => (a < b ? -1 : 1));
  return askAll(paths, (path) => findLiteral(tree, path, imageName));
}

function findLiteral(tree: MergedTree, path: ImagePath, imageName: string): FoundSource {
  const { path: realPath, node, missing } = tree.walk(path, true, imageName);
  if (node === undefined) {
    const where = missing === undefined || missing === path ? "" : `: ${displayPath(missing)} is missing`;
    throw new ComposeImageError("SOURCE_NOT_FOUND", `${imageName} has no ${displayPath(path)}${where}`, {
      hint: tree.missingHint,
    });
  }
  if (node.children !== undefined) tree.requireSubtree(realPath);
  return { path: realPath, node, name: nameOf(path) };
}
