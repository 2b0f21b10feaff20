import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ComposeImageError } from "../../model/errors.ts";

/**
 * All of a small regular file. A layout may come from anywhere, and hold a FIFO or a link to an endless device where a
 * document should be: those are refused, neither waited for nor read.
 *
 * @param limit most bytes.
 * @throws ComposeImageError `LAYOUT_INVALID`, `LIMIT_EXCEEDED`; system errors as they are.
 */
export async function readSmallFile(path: string, limit: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (found.isDirectory()) return await file.readFile();
    if (!found.isFile()) throw new ComposeImageError("LAYOUT_INVALID", `${path} is not a regular file`);
    if (found.size > limit)
      throw new ComposeImageError("LIMIT_EXCEEDED", `${path} is larger than the limit of ${limit} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
