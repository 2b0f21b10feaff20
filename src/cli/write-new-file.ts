import { dirname } from "node:path";
import { localError } from "../io/local-error.ts";
import { makeDirectory } from "../io/make-directory.ts";
import { TemporaryFile } from "../store/layout/temporary-file.ts";

/**
 * Writes a file that appears whole, in place of what was there; its directory is made.
 *
 * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
 */
export async function writeNewFile(path: string, text: string): Promise<void> {
  const directory = dirname(path);
  try {
    await makeDirectory(directory);
  } catch (cause) {
    throw localError(cause, `cannot make the directory ${directory}`);
  }
  const file = new TemporaryFile(directory, "entry");
  try {
    await file.append(Buffer.from(text, "utf8"));
    await file.publish(path);
  } finally {
    await file.discard();
  }
}
