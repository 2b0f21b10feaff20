import { constants } from "node:fs";
import { access, chown, lstat, open, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Call } from "../../../io/call.ts";
import { removeLeftovers, withDirectoryLock } from "../../../io/directory-lock.ts";
import { errnoOf, localError } from "../../../io/local-error.ts";
import { makeDirectory } from "../../../io/make-directory.ts";
import { syncDirectory } from "../../../io/sync-directory.ts";
import { temporaryName } from "../../../io/temporary-name.ts";
import type { JsonObject } from "../../../model/json.ts";
import { parseCredentialDocument } from "./credential-file.ts";

/**
 * What a credentials file holds, unknown fields included; an empty object when there is none.
 *
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE`, `LOCAL_IO`
 */
export async function readCredentialDocument(path: string): Promise<JsonObject> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return {};
    throw localError(cause, `cannot read ${path}`);
  }
  return parseCredentialDocument(text, path);
}

/**
 * Replaces a credentials file by what `change` makes of it, with no other process of this program in between. Readers
 * see the file before or after. It is for its owner's eyes only (0600), its owner stays, and a symlink stays one: the
 * file it leads to is replaced. Nothing is written when `change` gives its argument back.
 *
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE`, `LOCAL_IO`, `DISK_FULL`
 */
export async function updateCredentialDocument(
  path: string,
  change: (document: JsonObject) => JsonObject,
  call: Call,
): Promise<void> {
  const hint = "Name another file with --authfile.";
  try {
    const file = await followSymlinks(path);
    await makeDirectory(dirname(file), 0o700);
    await access(dirname(file), constants.W_OK);
    const replace = async (): Promise<void> => {
      const before = await readCredentialDocument(file);
      const after = change(before);
      await removeLeftovers(dirname(file));
      if (after !== before) await replaceFile(file, `${JSON.stringify(after, undefined, "\t")}\n`);
    };
    await withDirectoryLock(dirname(file), replace, call);
  } catch (cause) {
    call.signal.throwIfAborted();
    throw localError(cause, `cannot write ${path}`, { hint });
  }
}

/** Where a path leads, a symlink to nothing included. */
async function followSymlinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  const isLink = await lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  return isLink ? followSymlinks(resolve(dirname(path), await readlink(path))) : resolve(path);
}

async function replaceFile(path: string, text: string): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, temporaryName("credentials"));
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await keepOwner(path, temporary);
    await rename(temporary, path);
    await syncDirectory(directory);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Root, who may log in on somebody's behalf, must not take the file away. */
async function keepOwner(from: string, to: string): Promise<void> {
  try {
    const { uid, gid } = await stat(from);
    await chown(to, uid, gid);
  } catch {
    // there was no file before, or only root could give the new one away
  }
}
