import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf, localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { invalidArchive } from "./archive-fault.ts";
import { JoinedFiles, type OpenPart, unlimited } from "./joined-files.ts";
import { filesLikeParts, type ListedPart, maxParts, partListOf, readPartList } from "./part-list.ts";

/** The bytes of an archive, in one file or in parts, open to be read. */
export interface ArchiveBytes {
  readonly files: JoinedFiles;
  /** Bytes. */
  readonly size: number;
  /** The names of its parts; none where it is in one file. */
  readonly parts: readonly string[];
  /** What to do about damage; `undefined` where it is in one file. */
  readonly hint: string | undefined;
}

/**
 * Opens an archive: the file itself, or, where that is not there, the parts that the list beside its name has. The list
 * or the first part may be named in its place.
 *
 * @param subject the archive in messages.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is neither; `ARCHIVE_INVALID` for what is no regular file, and
 *   for parts that are missing or have another size, with all their names; `LOCAL_IO`.
 */
export async function openArchiveBytes(path: string, subject: string): Promise<ArchiveBytes> {
  const archive = await archiveOfPart(path);
  if (archive !== undefined) return openParts(archive, subject);
  const handle = await openToRead(path).catch((cause: unknown) => {
    if (/^(ENOENT|ENOTDIR)$/.test(errnoOf(cause))) return undefined;
    throw localError(cause, `${subject} cannot be read`);
  });
  if (handle === undefined) return openParts(path, subject);
  try {
    const size = await sizeOf(handle, subject);
    return { files: joined([{ path, handle }], unlimited), size, parts: [], hint: undefined };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The archive whose list or first part the path is; `undefined` for any other. */
export async function archiveOfPart(path: string): Promise<string | undefined> {
  const archive = path.replace(/(?<=[^/])\.(sha256|0{2,}1)$/, "");
  return archive !== path && (await readPartList(archive)) !== undefined ? archive : undefined;
}

async function openParts(path: string, subject: string): Promise<ArchiveBytes> {
  const listed = await readPartList(path);
  if (listed === undefined) throw await noParts(path, subject);
  const parts: (OpenPart & { readonly size: number })[] = [];
  try {
    const sizes: (number | undefined)[] = [];
    for (const { name } of listed) {
      const part = await openPart(join(dirname(path), name), subject);
      if (part !== undefined) parts.push(part);
      sizes.push(part?.size);
    }
    const hint = hintOf(path);
    const partSize = expectSizes(listed, sizes, subject, hint);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    return { files: joined(parts, partSize), size, parts: listed.map(({ name }) => name), hint };
  } catch (error) {
    await Promise.all(parts.map(({ handle }) => handle.close()));
    throw error;
  }
}

function hintOf(path: string): string {
  const list = basename(partListOf(path));
  return `Check the parts where they are, with sha256sum -c ${list}, and copy again what it names.`;
}

async function noParts(path: string, subject: string): Promise<ComposeImageError> {
  const list = partListOf(path);
  const [first] = await filesLikeParts(path);
  if (first !== undefined) {
    return invalidArchive(
      subject,
      `there is ${basename(first)}, but no ${basename(list)} that lists it and all other parts`,
      "It comes last when an archive is written: copy it too, or write the archive again.",
    );
  }
  return new ComposeImageError("MANIFEST_NOT_FOUND", `${subject}: there is no ${path}`, {
    hint: "Check the path; it is meant from the current directory.",
  });
}

/**
 * The size that all parts but the last have. A list says no sizes, so it is the one that most have, of several the largest:
 * what a copy cuts off is shorter.
 */
function expectSizes(
  listed: readonly ListedPart[],
  sizes: readonly (number | undefined)[],
  subject: string,
  hint: string,
): number {
  const last = listed.length - 1;
  const partSize = usualSize(last > 1 ? sizes.slice(0, last) : sizes);
  const faults = listed.flatMap(({ name }, i) => {
    const size = sizes[i];
    if (size === undefined) return [`${name} is missing`];
    if (i === last ? size <= partSize : size === partSize && size > 0) return [];
    return [`${name} has ${size} bytes, not ${partSize}`];
  });
  if (listed.length > maxParts) {
    throw new ComposeImageError("LIMIT_EXCEEDED", `${subject} has more than ${maxParts} parts`);
  }
  if (faults.length > 0) throw invalidArchive(subject, faults.join(", "), hint);
  return last === 0 ? unlimited : partSize;
}

function usualSize(sizes: readonly (number | undefined)[]): number {
  const counts = new Map<number, number>();
  for (const size of sizes) if (size !== undefined) counts.set(size, (counts.get(size) ?? 0) + 1);
  const [[usual] = [0]] = [...counts].sort(([a, m], [b, n]) => n - m || b - a);
  return usual;
}

async function openPart(
  path: string,
  subject: string,
): Promise<(OpenPart & { readonly size: number }) | undefined> {
  try {
    const handle = await openToRead(path);
    try {
      return { path, handle, size: await sizeOf(handle, `${subject}: ${basename(path)}`) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw localError(cause, `${subject}: ${path} cannot be read`);
  }
}

function openToRead(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

async function sizeOf(handle: FileHandle, subject: string): Promise<number> {
  const found = await handle.stat();
  if (found.isFile()) return found.size;
  if (found.isDirectory()) {
    throw invalidArchive(subject, "it is a directory", "A layout directory is written oci:DIR.");
  }
  throw invalidArchive(
    subject,
    "it is not a regular file",
    "An archive is read at random: save it to a file first.",
  );
}

function joined(parts: readonly OpenPart[], partSize: number): JoinedFiles {
  const files = new JoinedFiles(partSize, async (index) => {
    const part = parts[index];
    if (part === undefined) throw new ComposeImageError("LOCAL_IO", `there is no part ${index + 1}`);
    return part;
  });
  for (const index of parts.keys()) void files.part(index);
  return files;
}
