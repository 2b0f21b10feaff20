import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasEnded, parseTemporaryName } from "../../io/temporary-name.ts";

/** A temporary file whose process cannot be asked for is taken for left behind after so many milliseconds. */
const longestWriting = 24 * 60 * 60 * 1000;

/**
 * Tidies a cache's directory up: removes what killed processes left behind and, while the entries are more than `limit`
 * bytes together, those used longest ago. Files that are neither are left alone. Other processes may do the same.
 *
 * @param isEntry tells entries by their names.
 * @param kept the name of an entry that stays, whatever its age.
 * @returns bytes of the entries that are left.
 * @throws what the system says of a directory that cannot be listed.
 */
export async function sweep(
  directory: string,
  limit: number,
  isEntry: (name: string) => boolean,
  kept: string,
): Promise<number> {
  const entries: { readonly path: string; readonly size: number; readonly usedAt: number }[] = [];
  let total = 0;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    const owner = parseTemporaryName(name);
    if (owner !== undefined) {
      const isLeft = (await hasEnded(owner)) ?? Date.now() - found.mtimeMs > longestWriting;
      if (isLeft) await remove(path);
    } else if (isEntry(name)) {
      total += found.size;
      if (name !== kept) entries.push({ path, size: found.size, usedAt: found.mtimeMs });
    }
  }
  entries.sort((a, b) => a.usedAt - b.usedAt);
  for (const { path, size } of entries) {
    if (total <= limit) break;
    await remove(path);
    total -= size;
  }
  return total;
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}
