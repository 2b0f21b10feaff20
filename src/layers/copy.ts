import { namesDirectory } from "../model/destination.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, bytesOfText } from "../tar/byte-string.ts";
import type { Timestamp } from "../tar/entry.ts";
import type { ExcludePatterns } from "./exclude.ts";
import type { Attributes, FileNode } from "./file-node.ts";
import type { MergedTree } from "./merged-tree.ts";
import type { NewDirectories, OutputDirectory, OutputTree } from "./output-tree.ts";
import type { Owner } from "./owner.ts";
import { childPath, displayPath, type ImagePath, resolveLexically, rootPath } from "./path.ts";
import { type FoundSource, findSources } from "./source-pattern.ts";
import { findWithParents, type SelectedFiles } from "./source-with-parents.ts";
import { askAll } from "./unknown-path.ts";

/** One copy step with everything looked up: what BuildKit's `COPY --from=image SRC… DST` would do. */
export interface Copy {
  /** The image copied from, for messages. */
  readonly fromName: string;
  readonly from: MergedTree;
  /** Paths or patterns, as typed. */
  readonly sources: readonly string[];
  /** Absolute, as typed: a slash at its end counts. */
  readonly destination: string;
  readonly owner: Owner | undefined;
  readonly mode: number | undefined;
  readonly exclude: ExcludePatterns;
  /** Whether the directories above the sources are copied as well. Default `false`. */
  readonly parents?: boolean;
  /** What the base holds; absent when it is left out of account. */
  readonly base: MergedTree | undefined;
  /** Of directories that have to be made. */
  readonly madeMtime: Timestamp;
}

/**
 * Carries a copy step out on the new layer's tree.
 *
 * @throws UnknownPath; ComposeImageError `SOURCE_NOT_FOUND`, `COPY_CONFLICT`, `USAGE`
 */
export function copyInto(output: OutputTree, copy: Copy): void {
  if (copy.parents === true) {
    copyWithParents(output, copy);
    return;
  }
  const found = askAll(copy.sources, (source) => findSources(copy.from, source, copy.fromName)).flat();
  const isDirectory = namesDirectory(copy.destination);
  if ((found.length > 1 || copy.sources.length > 1) && !isDirectory) {
    throw new ComposeImageError(
      "USAGE",
      `several sources cannot be copied to ${copy.destination}, which is a single name`,
      { hint: `End the destination in a slash: ${copy.destination}/` },
    );
  }
  const destination = resolveLexically(rootPath, bytesOfText(copy.destination));
  for (const source of found) {
    const step = new SourceCopy(output, copy);
    if (source.node.children !== undefined) step.copyContents(source, destination);
    else if (isDirectory) step.copyFileInto(source, destination);
    else step.copyFileTo(source, destination);
  }
}

/** The same with the directories above the sources: what is found is put where it is, seen from the destination. */
function copyWithParents(output: OutputTree, copy: Copy): void {
  const destination = resolveLexically(rootPath, bytesOfText(copy.destination));
  for (const found of askAll(copy.sources, (source) => findWithParents(copy.from, source, copy.fromName))) {
    new SourceCopy(output, copy).copySelected(found, destination);
  }
}

/** One source, or match, of one step, which BuildKit copies by itself: files linked to each other stay so within it. */
class SourceCopy {
  readonly #output: OutputTree;
  readonly #copy: Copy;
  readonly #copied = new Map<FileNode, FileNode>();
  /** What has been made of attributes that files share. */
  readonly #adjustments = new Map<Attributes, Attributes>();
  readonly #made: NewDirectories;
  /** Whether directories may be taken over as they are, with all below them. */
  readonly #keepsAll: boolean;

  constructor(output: OutputTree, copy: Copy) {
    this.#output = output;
    this.#copy = copy;
    const { owner, mode, exclude, from } = copy;
    const isChanged = owner !== undefined || mode !== undefined || !exclude.isEmpty || copy.parents === true;
    this.#keepsAll = !isChanged && !from.hasLinks;
    this.#made = { owner, mode, mtime: copy.madeMtime };
  }

  copyContents(source: FoundSource, destination: ImagePath): void {
    const directory = this.#output.directory(destination, this.#copy.base, this.#made);
    directory.node.mtime = source.node.mtime;
    this.#copyChildren(source, "" as ImagePath, directory);
  }

  copySelected({ root, selected, above }: SelectedFiles, destination: ImagePath): void {
    const { exclude } = this.#copy;
    const copyBelow = (node: FileNode, path: ImagePath, into: OutputDirectory, relative: ImagePath): void => {
      for (const [name, child] of node.children ?? []) {
        const childRelative = childPath(relative, name);
        const childSource = childPath(path, name);
        const isWhole = selected.has(childSource);
        if ((!isWhole && !above.has(childSource)) || exclude.excludes(childRelative)) continue;
        const directory = this.#place(child, childSource, into, name);
        if (directory === undefined) continue;
        if (isWhole) this.#copyChildren({ node: child, path: childSource }, childRelative, directory);
        else copyBelow(child, childSource, directory, childRelative);
      }
    };
    const directory = this.#output.directory(destination, this.#copy.base, this.#made);
    directory.node.mtime = root.node.mtime;
    copyBelow(root.node, root.path, directory, "" as ImagePath);
  }

  copyFileInto(source: FoundSource, destination: ImagePath): void {
    if (this.#copy.exclude.excludes(source.name)) return;
    const directory = this.#output.directory(destination, this.#copy.base, this.#made);
    this.#place(source.node, source.path, directory, source.name);
  }

  copyFileTo(source: FoundSource, destination: ImagePath): void {
    if (this.#copy.exclude.excludes(source.name)) return;
    const { base } = this.#copy;
    const slot = this.#output.fileDestination(destination, base, this.#made);
    const existing = slot && this.#output.lookUp(slot.parent, slot.name, base);
    const isDirectory = (existing?.node ?? existing?.base)?.children !== undefined;
    if (slot === undefined || isDirectory) this.copyFileInto(source, destination);
    else this.#place(source.node, source.path, slot.parent, slot.name);
  }

  #copyChildren(
    source: { readonly node: FileNode; readonly path: ImagePath },
    relative: ImagePath,
    into: OutputDirectory,
  ): void {
    const { exclude } = this.#copy;
    for (const [name, child] of source.node.children ?? []) {
      const childRelative = childPath(relative, name);
      const isExcluded = exclude.excludes(childRelative);
      if (isExcluded && !(child.children && exclude.hasExceptions && this.#keepsSome(child, childRelative)))
        continue;
      const path = childPath(source.path, name);
      const directory = this.#place(child, path, into, name);
      if (directory !== undefined) this.#copyChildren({ node: child, path }, childRelative, directory);
    }
  }

  #keepsSome(directory: FileNode, relative: ImagePath): boolean {
    return [...(directory.children ?? [])].some(([name, child]) => {
      const path = childPath(relative, name);
      return !this.#copy.exclude.excludes(path) || this.#keepsSome(child, path);
    });
  }

  /** Puts one file in place, over what is there; gives the directory to go on in if it is one. */
  #place(
    source: FileNode,
    sourcePath: ImagePath,
    into: OutputDirectory,
    name: ByteString,
  ): OutputDirectory | undefined {
    const existing = this.#output.lookUp(into, name, this.#copy.base);
    const existingType = (existing.node ?? existing.base)?.attributes.type;
    const { type } = source.attributes;
    const path = childPath(into.path, name);
    const clashes = existingType !== undefined && (type === "directory") !== (existingType === "directory");
    if (clashes) {
      throw new ComposeImageError(
        "COPY_CONFLICT",
        `cannot copy the ${type} ${displayPath(sourcePath)} of ${this.#copy.fromName} to ${displayPath(path)}: there is a ${existingType}`,
        { hint: "Choose another destination, or leave the path out with --exclude." },
      );
    }
    if (type !== "directory") {
      into.node.children?.set(name, this.#copyOf(source));
      return undefined;
    }
    const isNew = existingType === undefined;
    if (isNew && this.#keepsAll) {
      into.node.children?.set(name, source);
      return undefined;
    }
    const attributes = withXattrsOf(existing.node ?? existing.base, this.#adjusted(source.attributes));
    const node = this.#output.ownDirectory(into, name, existing.node, attributes, source.mtime);
    return { path, node, base: existing.base, isNew };
  }

  /** Nothing changes a file once it is there, so one without further names may be shared with the source. */
  #copyOf(source: FileNode): FileNode {
    const attributes = this.#adjusted(source.attributes);
    if (source.isLinked !== true && attributes === source.attributes) return source;
    const known = this.#copied.get(source);
    if (known !== undefined) return known;
    const copied: FileNode = { ...source, attributes };
    if (source.isLinked === true) this.#copied.set(source, copied);
    return copied;
  }

  #adjusted(attributes: Attributes): Attributes {
    const { owner, mode } = this.#copy;
    if (owner === undefined && mode === undefined) return attributes;
    const known = this.#adjustments.get(attributes);
    if (known !== undefined) return known;
    const keepsMode = mode === undefined || attributes.type === "symlink";
    const adjusted = { ...attributes, ...(owner ?? {}), ...(keepsMode ? {} : { mode }) };
    this.#adjustments.set(attributes, adjusted);
    return adjusted;
  }
}

/** Attributes that are set on a directory leave those of other names it has. */
function withXattrsOf(existing: FileNode | undefined, attributes: Attributes): Attributes {
  const before = existing?.attributes.xattrs;
  if (before === undefined || before.size === 0) return attributes;
  return { ...attributes, xattrs: new Map([...before, ...attributes.xattrs]) };
}
