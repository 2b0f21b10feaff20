import { open } from "node:fs/promises";

/** Makes renames into the directory durable, where the system can do that. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network and user-space file systems know no fsync of a directory.
    if (!(error instanceof Error && "code" in error && /^(EINVAL|ENOTSUP|EPERM)$/.test(String(error.code))))
      throw error;
  } finally {
    await handle.close();
  }
}
