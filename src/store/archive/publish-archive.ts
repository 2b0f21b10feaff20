import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Call } from "../../io/call.ts";
import { withDirectoryLock } from "../../io/directory-lock.ts";
import { syncDirectory } from "../../io/sync-directory.ts";
import { temporaryName } from "../../io/temporary-name.ts";
import { sha256Of } from "./check-parts.ts";
import type { OpenPart } from "./joined-files.ts";
import { filesLikeParts, formatPartList, partListOf, partNames, readPartList } from "./part-list.ts";

/**
 * Gives a written file its real name, replacing what was there. A split archive of that name goes: from the first moment
 * on the file is what counts.
 */
export async function publishFile(written: string, path: string, call: Call): Promise<void> {
  const replaced = await readPartList(path).catch(() => undefined);
  await rename(written, path);
  await syncDirectory(dirname(path));
  if (replaced === undefined) return;
  await withDirectoryLock(
    dirname(path),
    async () => {
      const found = (await readPartList(path)) ?? [];
      if (formatPartList(found) !== formatPartList(replaced)) return;
      await rm(partListOf(path), { force: true });
      for (const { name } of replaced) await rm(join(dirname(path), name), { force: true });
    },
    call,
  );
}

/**
 * Gives written parts their real names, and then the list its own. An older list is gone before the first of the parts it
 * lists, so at no moment are parts of two archives taken for one. A whole file of that name stays until the list is there,
 * and goes then.
 */
export async function publishParts(written: readonly OpenPart[], path: string, call: Call): Promise<void> {
  const directory = dirname(path);
  const names = partNames(basename(path), written.length);
  const parts: { readonly name: string; readonly sha256: string }[] = [];
  for (const [i, part] of written.entries()) {
    parts.push({ name: names[i] ?? "", sha256: await sha256Of(part, call) });
  }
  call.signal.throwIfAborted();
  const list = join(directory, temporaryName("archive"));
  try {
    await writeDurably(list, formatPartList(parts));
    await withDirectoryLock(
      directory,
      async () => {
        await rm(partListOf(path), { force: true });
        await syncDirectory(directory);
        for (const [i, { path: from }] of written.entries())
          await rename(from, join(directory, names[i] ?? ""));
        for (const old of await filesLikeParts(path)) if (!names.includes(basename(old))) await rm(old);
        await syncDirectory(directory);
        await rename(list, partListOf(path));
        await syncDirectory(directory);
        await rm(path, { force: true });
      },
      call,
    );
  } finally {
    await rm(list, { force: true });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, "wx", 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
