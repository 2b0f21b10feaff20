import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { errnoOf, localError } from "../io/local-error.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import { ComposeImageError } from "../model/errors.ts";
import { within } from "../plan/within.ts";

/** Largest file of patterns taken, in bytes. */
const maxIgnoreFile = 1024 * 1024;

/**
 * Reads what a `.dockerignore` says: a pattern a line, lines that begin with `#` left out.
 *
 * @param name the file, for messages.
 * @throws ComposeImageError `USAGE` with file and line for a malformed pattern.
 * @internal
 */
export function parseIgnoreFile(text: string, name: string): ExcludePatterns {
  const patterns: string[] = [];
  for (const [i, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    const pattern = line.trim();
    if (line.startsWith("#") || pattern === "") continue;
    const where = `${name}:${i + 1}`;
    if (/^!\s*$/.test(pattern)) {
      throw new ComposeImageError("USAGE", `${where}: an exception without a pattern`, {
        hint: "Write what is to be kept after the exclamation mark.",
      });
    }
    within(where, () => new ExcludePatterns([pattern]));
    patterns.push(pattern);
  }
  return new ExcludePatterns(patterns);
}

/**
 * What the first of these files that is there leaves out; nothing where none is.
 *
 * @param directory whose files it is about: a file that lies in it must not lead out of it.
 * @throws ComposeImageError `USAGE`, `LOCAL_IO`, `PATH_ESCAPES` for a symlink that leads out of the directory.
 */
export async function readIgnoreFile(files: readonly string[], directory: string): Promise<ExcludePatterns> {
  for (const file of files) {
    const text = await readIfThere(file, directory);
    if (text !== undefined) return parseIgnoreFile(text, file);
  }
  return new ExcludePatterns([]);
}

async function readIfThere(file: string, directory: string): Promise<string | undefined> {
  try {
    const path = await realpath(file);
    if (isInside(resolve(file), resolve(directory)) && !isInside(path, await realpath(directory))) {
      throw new ComposeImageError("PATH_ESCAPES", `${file} is a symlink that leads out of ${directory}`, {
        hint: "Put the file itself there.",
      });
    }
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > maxIgnoreFile) {
      const what = stats.isFile() ? `larger than ${maxIgnoreFile} bytes` : "not a file";
      throw new ComposeImageError("USAGE", `${file} is ${what}`, {
        hint: "It says what to leave out, a pattern a line.",
      });
    }
    return await handle.readFile("utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw localError(error, `cannot read ${file}`);
  }
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
