import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ComposeImageError } from "../model/errors.ts";
import type { Call } from "./call.ts";
import { localError } from "./local-error.ts";
import { hasEnded, parseTemporaryName, temporaryName } from "./temporary-name.ts";

/** After how long, in milliseconds, a lock of another machine or container counts as left behind. */
const foreignLockLifetime = 60_000;

const day = 24 * 60 * 60 * 1000;

/** How long, in milliseconds, to wait for the lock. */
const patience = 150_000;

/**
 * Runs `work` while no other process does so for the same directory.
 *
 * Each process raises a flag of its own, a file with a unique name, and then looks for others: seeing any, it lowers
 * its own and tries again later. Two can never both see themselves alone, since each looks after raising. The flag of
 * a process that has ended is removed by whoever meets it; as no name is used twice, that can never remove the flag
 * of a live one, which is what makes taking over one shared lock file unsafe. Whether a process of another machine or
 * container lives cannot be known: its flag counts for a minute, so `work` must be much shorter than that.
 *
 * @throws ComposeImageError `LOCAL_IO` when the lock cannot be had in two and a half minutes, `DISK_FULL`.
 */
export async function withDirectoryLock<T>(
  directory: string,
  work: () => Promise<T>,
  call: Call,
): Promise<T> {
  const flag = await raiseFlag(directory, call);
  try {
    return await work();
  } finally {
    await rm(flag, { force: true });
  }
}

async function raiseFlag(directory: string, call: Call): Promise<string> {
  const deadline = performance.now() + patience;
  for (let attempt = 1; ; attempt += 1) {
    call.signal.throwIfAborted();
    let rival = await findRival(directory, undefined);
    if (rival === undefined) {
      const name = temporaryName("lock");
      const flag = join(directory, name);
      let alone = false;
      try {
        await writeFile(flag, "", { flag: "wx" });
        rival = await findRival(directory, name);
        alone = rival === undefined;
      } catch (cause) {
        throw localError(cause, `cannot lock the directory ${directory}`);
      } finally {
        if (!alone) await rm(flag, { force: true });
      }
      if (alone) return flag;
    }
    if (performance.now() > deadline) {
      throw new ComposeImageError("LOCAL_IO", `the directory ${directory} stays locked by ${rival}`, {
        hint: "If no process is writing there, remove that file.",
      });
    }
    await pause(Math.random() * 10 * Math.min(attempt, 20), call);
  }
}

/** The name of a live process's flag other than `own`. */
async function findRival(directory: string, own: string | undefined): Promise<string | undefined> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw localError(cause, `cannot read the directory ${directory}`);
  }
  for (const name of names) {
    const owner = parseTemporaryName(name);
    if (owner?.kind !== "lock" || name === own) continue;
    const ended = (await hasEnded(owner)) ?? (await isOlderThan(join(directory, name), foreignLockLifetime));
    if (!ended) return name;
    await rm(join(directory, name), { force: true }).catch(() => {});
  }
  return undefined;
}

/**
 * Removes what ended processes left at the directory's top. Files of another machine's or container's processes are
 * left for a day, parts of blobs, with which another run goes on, for a week; what cannot be removed stays. Drafts of
 * archives are several files each, and none of its business.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const owner = parseTemporaryName(name);
    if (owner === undefined || owner.kind === "lock" || owner.kind === "draft") continue;
    const path = join(directory, name);
    if (owner.kind === "partial" && !(await isOlderThan(path, 7 * day))) continue;
    const ended = (await hasEnded(owner)) ?? (await isOlderThan(path, day));
    if (ended) await rm(path, { force: true }).catch(() => {});
  }
}

async function isOlderThan(path: string, milliseconds: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > milliseconds;
  } catch {
    return true;
  }
}

async function pause(milliseconds: number, call: Call): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal: call.signal });
  } catch {
    call.signal.throwIfAborted();
  }
}
