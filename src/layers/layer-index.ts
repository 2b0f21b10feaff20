import type { TarHeader } from "../tar/entry.ts";
import type { Interest } from "./interest.ts";
import type { ImagePath } from "./path.ts";

/** One entry of a layer that matters. */
export interface IndexedEntry {
  readonly path: ImagePath;
  readonly header: TarHeader;
  /** Of the entry's first header block in the uncompressed tar, in bytes. */
  readonly offset: number;
}

/** What one layer says about the paths of an interest. */
export interface LayerIndex {
  /** What the scan looked for. */
  readonly interest: Interest;
  /** In the order of the tar. */
  readonly entries: readonly IndexedEntry[];
  /** Files below AUFS bookkeeping that the interest names; only hardlinks see them. */
  readonly aufsEntries: readonly IndexedEntry[];
  /** Paths whose lower files are gone. */
  readonly whiteouts: ReadonlySet<ImagePath>;
  /** Directories whose lower children are gone. */
  readonly opaques: ReadonlySet<ImagePath>;
  /** Symlinks outside the interest whose target touches it. */
  readonly aliases: ReadonlySet<ImagePath>;
  /** Directories that entries lie in and that this layer has, or may have, no entry for. */
  readonly unlistedParents: ReadonlySet<ImagePath>;
}
