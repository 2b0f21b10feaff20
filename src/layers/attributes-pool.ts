import type { TarHeader } from "../tar/entry.ts";
import type { Attributes } from "./file-node.ts";

/** Gives files that differ in name and content alone the same attributes: of a million files, few differ in more. */
export class AttributesPool {
  readonly #known = new Map<string, Attributes>();
  #last: Attributes | undefined;

  /** The attributes of a header, shared where possible. */
  attributesOf(header: TarHeader): Attributes {
    const { type, mode, uid, gid, linkname, devmajor, devminor, xattrs } = header;
    const isShared = (type === "file" || type === "directory") && xattrs.size === 0;
    if (!isShared) return { type, mode, uid, gid, linkname, devmajor, devminor, xattrs };
    const last = this.#last;
    const isLast =
      last !== undefined && last.type === type && last.mode === mode && last.uid === uid && last.gid === gid;
    if (isLast) return last;
    const key = `${type} ${mode} ${uid} ${gid}`;
    let attributes = this.#known.get(key);
    if (attributes === undefined) {
      attributes = { type, mode, uid, gid, linkname, devmajor, devminor, xattrs };
      this.#known.set(key, attributes);
    }
    this.#last = attributes;
    return attributes;
  }
}
