import type { EntryList } from "./entry-list.ts";
import type { FileNode } from "./file-node.ts";
import type { Interest } from "./interest.ts";
import type { ImagePath } from "./path.ts";

/** What one layer says about the paths of an interest. */
export interface LayerIndex {
  /** What the scan looked for. */
  readonly interest: Interest;
  /** In the order of the tar; the root is not among them. Nobody changes the files. */
  readonly entries: EntryList;
  /** The layer's own entry for the root directory. */
  readonly root: Pick<FileNode, "attributes" | "mtime"> | undefined;
  /** Files below AUFS bookkeeping that the interest names; only hardlinks see them. */
  readonly aufsFiles: ReadonlyMap<ImagePath, FileNode>;
  /** Paths whose lower files are gone. */
  readonly whiteouts: ReadonlySet<ImagePath>;
  /** Directories whose lower children are gone. */
  readonly opaques: ReadonlySet<ImagePath>;
  /** Symlinks outside the interest whose target touches it. */
  readonly aliases: ReadonlySet<ImagePath>;
  /** Directories that entries lie in and that this layer has, or may have, no entry for. */
  readonly unlistedParents: ReadonlySet<ImagePath>;
  /** Bytes of memory that all this may take, at most. */
  readonly cost: number;
  /** Directories of the interest that are there for entries outside it. */
  readonly impliedDirectories: ReadonlySet<ImagePath>;
}
