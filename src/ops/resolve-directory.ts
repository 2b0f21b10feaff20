import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, localError } from "../io/local-error.ts";
import { DirectoryView } from "../layers/directory-view.ts";
import type { ExcludePatterns } from "../layers/exclude.ts";
import type { Interest } from "../layers/interest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { LocalSource } from "../plan/compose-plan.ts";
import { OpenDirectory } from "../store/local/open-directory.ts";
import { readIgnoreFile } from "./ignore-file.ts";

/** A directory of this machine that is copied from. */
export interface ResolvedDirectory {
  /** For messages: `directory ./dist`. */
  readonly name: string;
  /** Absolute, without symlinks. */
  readonly path: string;
  readonly ignore: ExcludePatterns;
}

/**
 * Finds a directory, and reads what is left out of it.
 *
 * @throws ComposeImageError `SOURCE_NOT_FOUND` where it is missing, or not a directory; `LOCAL_IO`; as `readIgnoreFile`.
 */
export async function resolveDirectory({ directory, ignoreFiles }: LocalSource): Promise<ResolvedDirectory> {
  const path = await findDirectory(directory);
  const ignore = await readIgnoreFile(ignoreFiles ?? [join(directory, ".dockerignore")], directory);
  return { name: `directory ${directory}`, path, ignore };
}

/**
 * A view of a directory, with nothing listed yet.
 *
 * @param epoch seconds since 1970, the time of all that is in it; by default 0.
 */
export function viewDirectory(
  { name, path, ignore }: ResolvedDirectory,
  interest: Interest,
  epoch: number | undefined,
  onWarning: (message: string) => void,
): DirectoryView {
  return new DirectoryView(name, path, interest, { ignore, mtime: String(epoch ?? 0), onWarning });
}

async function findDirectory(directory: string): Promise<string> {
  try {
    const path = await realpath(directory);
    await (await OpenDirectory.open(path))[Symbol.asyncDispose]();
    return path;
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "ENOENT" && code !== "ENOTDIR")
      throw localError(error, `cannot read directory ${directory}`);
    const what = code === "ENOENT" ? "is not there" : "is not a directory";
    throw new ComposeImageError("SOURCE_NOT_FOUND", `directory ${directory} ${what}`, {
      hint: "Check the path; it is meant from the current directory.",
      cause: error,
    });
  }
}
