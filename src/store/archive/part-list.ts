import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf, localError } from "../../io/local-error.ts";
import { readSmallFile } from "../layout/small-file.ts";

/** A part of a split archive. */
export interface ListedPart {
  /** Of the file, beside the list. */
  readonly name: string;
  /** Its SHA-256, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Most parts of an archive; all are open while it is read or written. */
export const maxParts = 10_000;

/** Largest list that is read, in bytes. */
const maxListSize = 4 * 1024 * 1024;

/** What the list of an archive's parts is called; it is what makes the parts an archive. */
export function partListOf(path: string): string {
  return `${path}.sha256`;
}

/**
 * The names of all parts: `app.tar.001`, … There are as many digits, three or more, as make the first one a zero, so that
 * `app.tar.0*` is all parts in their order.
 */
export function partNames(archive: string, count: number): string[] {
  const digits = Math.max(3, String(count).length + 1);
  return Array.from({ length: count }, (_, i) => `${archive}.${String(i + 1).padStart(digits, "0")}`);
}

/** What `sha256sum` prints for the parts. A name with a backslash or a line break is written as there. */
export function formatPartList(parts: readonly ListedPart[]): string {
  return parts
    .map(({ name, sha256 }) => `${/[\\\n]/.test(name) ? "\\" : ""}${sha256}  ${escaped(name)}\n`)
    .join("");
}

/** Reads a list; `undefined` for one of anything but all parts of this archive, in their order. */
function parsePartList(text: string, archive: string): readonly ListedPart[] | undefined {
  const lines = text.replace(/\n$/, "").split("\n");
  const names = partNames(archive, lines.length);
  const parts: ListedPart[] = [];
  for (const [i, name] of names.entries()) {
    const [, sha256, listed] = /^\\?([0-9a-f]{64}) [ *](.+)$/.exec(lines[i] ?? "") ?? [];
    if (sha256 === undefined || listed !== escaped(name)) return undefined;
    parts.push({ name, sha256 });
  }
  return parts;
}

/**
 * The parts that the list beside an archive's name has; `undefined` where there is none, or one of something else.
 *
 * @throws ComposeImageError `LOCAL_IO`, `LAYOUT_INVALID` for what is no file, `LIMIT_EXCEEDED`.
 */
export async function readPartList(path: string): Promise<readonly ListedPart[] | undefined> {
  const list = partListOf(path);
  try {
    const bytes = await readSmallFile(list, maxListSize);
    return parsePartList(bytes.toString("utf8"), basename(path));
  } catch (cause) {
    if (/^(ENOENT|ENOTDIR)$/.test(errnoOf(cause))) return undefined;
    throw localError(cause, `cannot read ${list}`);
  }
}

/** The paths of all files that are named like parts of this archive. */
export async function filesLikeParts(path: string): Promise<string[]> {
  const [directory, prefix] = [dirname(path), `${basename(path)}.`];
  const names = await readdir(directory).catch((): string[] => []);
  return names
    .filter((name) => name.startsWith(prefix) && /^0[0-9]{2,}$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => join(directory, name));
}

function escaped(name: string): string {
  return name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
