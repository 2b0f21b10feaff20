import type { ByteString } from "../tar/byte-string.ts";
import type { TarHeader } from "../tar/entry.ts";
import type { LayerBlob } from "./layer-blob.ts";

/** What a file is, without its name. */
export type Attributes = Omit<TarHeader, "path">;

/** Where a regular file's bytes are: in the layer whose tar has the file's header at `offset`. */
export interface BodyOrigin {
  readonly layer: LayerBlob;
  /** Bytes from the start of the uncompressed tar. */
  readonly offset: number;
}

/** A file of a tree, whatever its type. Two names with one node are hardlinks of each other. */
export interface FileNode {
  attributes: Attributes;
  /** Set for regular files that hold bytes. */
  readonly body: BodyOrigin | undefined;
  /** Position, from the bottom, of the layer that brought it; -1 for what no layer has an entry for. */
  readonly layer: number;
  /** Whether more than one name may lead here. */
  isLinked: boolean;
  /** Set for directories. */
  readonly children: Map<ByteString, FileNode> | undefined;
}

const noXattrs: ReadonlyMap<ByteString, ByteString> = new Map();

/** A directory nobody described: 0755, owned by 0:0. */
export function impliedDirectory(mtime = "0"): FileNode {
  return {
    attributes: {
      type: "directory",
      mode: 0o755,
      uid: 0,
      gid: 0,
      size: 0,
      mtime,
      linkname: "" as ByteString,
      devmajor: 0,
      devminor: 0,
      xattrs: noXattrs,
    },
    body: undefined,
    layer: -1,
    isLinked: false,
    children: new Map(),
  };
}
