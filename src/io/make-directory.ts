import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./local-error.ts";

/**
 * Makes a directory and those above it; does nothing where it is there. Node's own recursive form hides why it fails, and
 * never ends below directories such as /proc, in which nothing can be made.
 *
 * @param mode of what is made, less the umask. Default 0777.
 * @throws System errors as they are.
 */
export async function makeDirectory(directory: string, mode = 0o777): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(directory, mode).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
    });
  try {
    await make();
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || dirname(directory) === directory) throw error;
    await makeDirectory(dirname(directory), mode);
    await make();
  }
}
