import { join } from "node:path";

/** Where a layout keeps a blob. */
export function blobPath(directory: string, digest: string): string {
  return join(directory, "blobs", ...digest.split(":"));
}
