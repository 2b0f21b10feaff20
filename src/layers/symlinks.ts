import type { ByteString } from "../tar/byte-string.ts";
import type { FileNode } from "./file-node.ts";
import { childPath, componentsOf, type ImagePath, resolveLexically } from "./path.ts";

/** Most symlinks followed on the way to one file, as in the kernel's `MAXSYMLINKS` times its usual depth. */
export const maxSymlinks = 255;

/** Whether there is a symlink. */
export function isSymlink(file: FileNode | undefined): file is FileNode {
  return file?.attributes.type === "symlink";
}

/** The components of a path after the symlink that lies at its `i`-th, in `at`, was followed. */
export function followedComponents(
  at: ImagePath,
  link: FileNode,
  components: readonly ByteString[],
  i: number,
): ByteString[] {
  return componentsOf(resolveLexically(at, link.attributes.linkname)).concat(components.slice(i + 1));
}

/** A path, and what is left to walk below it. */
export function joined(path: ImagePath, rest: readonly ByteString[]): ImagePath {
  return rest.length === 0 ? path : childPath(path, rest.join("/") as ByteString);
}
