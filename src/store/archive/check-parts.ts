import { lstat, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Call } from "../../io/call.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import { Digester, digestHex } from "../../model/digest.ts";
import { readOpenFile } from "../layout/file-content.ts";
import type { OpenPart } from "./joined-files.ts";
import { archiveOfPart } from "./open-bytes.ts";
import { type ListedPart, partListOf, readPartList } from "./part-list.ts";

/** What {@link checkParts} found of a part. */
export interface CheckedPart extends ListedPart {
  readonly state: "intact" | "altered" | "missing";
}

/** What {@link checkParts} found. */
export interface CheckedParts {
  /** The path of the list. */
  readonly list: string;
  /** In their order. */
  readonly parts: readonly CheckedPart[];
}

/**
 * Hashes every part of a split archive again, as `sha256sum -c` does, and compares it with the list.
 *
 * @param path the archive's name, or its list's, or its first part's.
 * @returns `undefined` where there is no list of parts, as of an archive that is in one file.
 * @throws ComposeImageError `LOCAL_IO`
 */
export async function checkParts(path: string, call: Call): Promise<CheckedParts | undefined> {
  const archive = await archiveOfPart(path);
  const listed =
    archive === undefined && (await isThere(path)) ? undefined : await readPartList(archive ?? path);
  if (listed === undefined) return undefined;
  const parts: CheckedPart[] = [];
  for (const part of listed) {
    const sha256 = await hashFile(join(dirname(path), part.name), call);
    const state = sha256 === undefined ? "missing" : sha256 === part.sha256 ? "intact" : "altered";
    parts.push({ ...part, state });
  }
  return { list: partListOf(archive ?? path), parts };
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** `undefined` where there is no such file. */
async function hashFile(path: string, call: Call): Promise<string | undefined> {
  try {
    await using handle = await open(path, "r");
    return await sha256Of({ handle, path }, call);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    call.signal.throwIfAborted();
    throw localError(cause, `cannot read ${path}`);
  }
}

/** The SHA-256 of all that is in an open file, in hexadecimal digits. */
export async function sha256Of({ handle, path }: OpenPart, call: Call): Promise<string> {
  const digester = new Digester();
  for await (const chunk of readOpenFile(handle, path, { reuseMemory: true }, call)) digester.update(chunk);
  return digestHex(digester.digest());
}
