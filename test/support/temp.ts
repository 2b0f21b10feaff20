import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { run } from "./command.ts";

const directories: string[] = [];

/**
 * A new empty directory, removed when the test file that asked for it ends. Set `KEEP_TEMP=1` to look at what a test
 * left behind.
 *
 * @param label goes into the directory's name.
 */
export async function temporaryDirectory(label: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `compose-image-test-${label}-`));
  directories.push(directory);
  return directory;
}

/** Removes a tree whatever its names are made of: unpacked images hold names that are not UTF-8. */
export async function removeTree(directory: string): Promise<void> {
  await run("rm", ["-rf", "--one-file-system", "--", directory]);
}

afterAll(async () => {
  if (process.env.KEEP_TEMP === "1") return;
  for (const directory of directories.splice(0)) await removeTree(directory);
});
