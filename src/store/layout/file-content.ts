import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Call } from "../../io/call.ts";
import { localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";

/** Which part of some content to read. */
export interface ContentExtent {
  /** First byte; default 0. */
  readonly start?: number;
  /** The byte after the last, which the content must reach; default: its end, wherever that is. */
  readonly end?: number;
  /** Most bytes of one chunk; default 128 KiB. */
  readonly chunkSize?: number;
  /** Read every chunk into the same memory: for readers that are done with one when they ask for the next. */
  readonly reuseMemory?: boolean;
}

/** Which part of a file to read, and how. */
export interface FileExtent extends ContentExtent {
  /** Refuse a path whose last component is a symlink; default `false`. */
  readonly noFollow?: boolean;
}

/** Bytes asked for where the file seems to end: it may have grown, and some kinds of file tell no size. */
const smallestRead = 4096;

/**
 * A file's bytes, or an extent of them. The file is opened when the first chunk is asked for, and closed when the
 * reader leaves.
 *
 * @throws ComposeImageError `LOCAL_IO`
 */
export async function* readFileContent(
  path: string,
  extent: FileExtent,
  call: Call,
): AsyncGenerator<Uint8Array, void, void> {
  const { noFollow = false } = extent;
  call.signal.throwIfAborted();
  const handle = await open(path, constants.O_RDONLY | (noFollow ? constants.O_NOFOLLOW : 0)).catch(
    (cause: unknown) => {
      throw localError(cause, `cannot read ${path}`);
    },
  );
  try {
    yield* readOpenFile(handle, path, extent, call);
  } finally {
    await handle.close();
  }
}

/**
 * The same of a file that is open, and stays so.
 *
 * @param path for messages.
 */
export async function* readOpenFile(
  handle: FileHandle,
  path: string,
  extent: ContentExtent,
  call: Call,
): AsyncGenerator<Uint8Array, void, void> {
  const { start = 0, end = Number.POSITIVE_INFINITY, chunkSize = 128 * 1024, reuseMemory = false } = extent;
  const kept = reuseMemory
    ? Buffer.allocUnsafeSlow(Math.min(chunkSize, Math.max(0, end - start)))
    : undefined;
  const { size } = await handle.stat().catch((cause: unknown) => {
    throw localError(cause, `cannot read ${path}`);
  });
  let position = start;
  while (position < end) {
    call.signal.throwIfAborted();
    const wanted = Math.min(chunkSize, end - position, Math.max(size - position, smallestRead));
    const { bytesRead, buffer } = await handle
      .read(kept ?? Buffer.allocUnsafeSlow(wanted), 0, wanted, position)
      .catch((cause: unknown) => {
        throw localError(cause, `cannot read ${path}`);
      });
    if (bytesRead === 0) {
      if (end === Number.POSITIVE_INFINITY) return;
      throw new ComposeImageError("LOCAL_IO", `${path} ended after ${position} of ${end} bytes`);
    }
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
