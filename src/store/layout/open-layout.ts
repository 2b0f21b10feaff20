import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../io/call.ts";
import { removeLeftovers, withDirectoryLock } from "../../io/directory-lock.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import { makeDirectory } from "../../io/make-directory.ts";
import { parseTemporaryName } from "../../io/temporary-name.ts";
import type { Side } from "../../io/transfer.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { mediaTypes } from "../../model/media-types.ts";
import { BlobDirectory } from "./blob-directory.ts";
import { IndexFile } from "./index-file.ts";
import { expectLayoutVersion, layoutFile, maxLayoutFileSize } from "./layout-file.ts";
import { LayoutStore } from "./layout-store.ts";
import { readSmallFile } from "./small-file.ts";
import { TemporaryFile } from "./temporary-file.ts";

/** Options of {@link openLayout}. */
export interface LayoutOptions {
  /**
   * Make the layout, and the directory, where there is none; also removes what killed writers left behind. Default
   * `false`: nothing is written by opening.
   */
  readonly create?: boolean;
  /** Whether a blob may be a symlink, as some build tools make them; default `true`. */
  readonly followSymlinks?: boolean;
  /** Which image it is for, in messages. */
  readonly side?: Side;
}

/**
 * Opens an OCI image layout directory.
 *
 * @throws ComposeImageError `LAYOUT_INVALID` when there is none, or it is malformed, or `create` meets a directory
 *   that holds something else; `LOCAL_IO`, `DISK_FULL`.
 */
export async function openLayout(
  directory: string,
  options: LayoutOptions,
  call: Call,
): Promise<LayoutStore> {
  call.signal.throwIfAborted();
  const { side } = options;
  const subject = side === undefined ? directory : `${side} ${directory}`;
  const index = new IndexFile(directory);
  if (options.create === true) await createLayout(directory, index, call);
  if (!(await hasLayoutFile(directory))) {
    throw new ComposeImageError(
      "LAYOUT_INVALID",
      `${subject} is not an OCI image layout: it has no oci-layout`,
      {
        hint: "Make one with skopeo copy docker://IMAGE oci:DIR:TAG, or check the path.",
      },
    );
  }
  await index.read(call);
  return new LayoutStore(
    directory,
    new BlobDirectory(directory, options.followSymlinks ?? true),
    index,
    side,
  );
}

async function createLayout(directory: string, index: IndexFile, call: Call): Promise<void> {
  try {
    await makeDirectory(directory);
    await removeLeftovers(directory);
    if (await hasLayoutFile(directory)) return;
    await withDirectoryLock(directory, () => writeLayout(directory, index), call);
  } catch (cause) {
    call.signal.throwIfAborted();
    throw localError(cause, `cannot make an OCI image layout in ${directory}`);
  }
}

async function writeLayout(directory: string, index: IndexFile): Promise<void> {
  if (await hasLayoutFile(directory)) return;
  const names = (await readdir(directory)).filter((name) => parseTemporaryName(name) === undefined);
  const foreign = names.find((name) => name !== "lost+found" && name !== "index.json" && name !== "blobs");
  if (foreign !== undefined) {
    throw new ComposeImageError(
      "LAYOUT_INVALID",
      `${directory} holds ${JSON.stringify(foreign)} and is no OCI image layout`,
      { hint: "Name an empty or new directory." },
    );
  }
  await makeDirectory(join(directory, "blobs"));
  if (!names.includes("index.json")) {
    await index.write({ entries: [], rest: { schemaVersion: 2, mediaType: mediaTypes.oci.index } });
  }
  const file = new TemporaryFile(directory, "index");
  try {
    await file.append(Buffer.from(layoutFile, "utf8"));
    await file.publish(join(directory, "oci-layout"));
  } finally {
    await file.discard();
  }
}

/** @throws ComposeImageError `LAYOUT_INVALID` when the file is there but wrong. */
async function hasLayoutFile(directory: string): Promise<boolean> {
  const path = join(directory, "oci-layout");
  let bytes: Uint8Array;
  try {
    bytes = await readSmallFile(path, maxLayoutFileSize);
  } catch (cause) {
    if (cause instanceof ComposeImageError) throw cause;
    if (/^(ENOENT|ENOTDIR)$/.test(errnoOf(cause))) return false;
    throw localError(cause, `cannot read ${path}`);
  }
  expectLayoutVersion(bytes, (what) => new ComposeImageError("LAYOUT_INVALID", `${path}: ${what}`));
  return true;
}
