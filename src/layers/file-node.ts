import type { LocalFiles } from "../store/local/local-files.ts";
import type { ByteString } from "../tar/byte-string.ts";
import type { TarHeader, Timestamp } from "../tar/entry.ts";
import type { LayerBlob } from "./layer-blob.ts";

/** What a file is, without its name, its content and its time. Never changed, as many files may share one. */
export type Attributes = Omit<TarHeader, "path" | "size" | "mtime">;

/** A layer's place in an image. */
export interface LayerPlace {
  readonly blob: LayerBlob;
  /** From the bottom. */
  readonly position: number;
}

/**
 * A file of a tree, whatever its type. There may be millions: what few have is left out by the others.
 *
 * Two names with one node are hardlinks of each other if it says `isLinked`.
 */
export interface FileNode {
  attributes: Attributes;
  mtime: Timestamp;
  /** Bytes of content; 0 for all that are not regular files. */
  readonly size: number;
  /** The layer that brought it, content and all; absent for what no layer has an entry for. */
  readonly origin: LayerPlace | undefined;
  /** Where in that layer's uncompressed tar the file's header begins, in bytes; or its number in `localFiles`. */
  readonly offset: number;
  /** What has the content of a file of this machine. */
  readonly localFiles?: LocalFiles;
  /** Whether more than one name may lead here. */
  readonly isLinked?: boolean;
  /** Set for directories. */
  readonly children?: Map<ByteString, FileNode>;
}

const noXattrs: ReadonlyMap<ByteString, ByteString> = new Map();

/** A directory with these attributes and nothing in it. */
export function directoryNode(
  attributes: Attributes,
  mtime: Timestamp,
  origin?: LayerPlace,
  children = new Map<ByteString, FileNode>(),
): FileNode {
  return { attributes, mtime, size: 0, origin, offset: 0, children };
}

/** What a directory is that nobody described: 0755, owned by 0:0. */
export const impliedAttributes: Attributes = {
  type: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  linkname: "" as ByteString,
  devmajor: 0,
  devminor: 0,
  xattrs: noXattrs,
};

/** A directory nobody described. */
export function impliedDirectory(): FileNode {
  return directoryNode(impliedAttributes, "0");
}
