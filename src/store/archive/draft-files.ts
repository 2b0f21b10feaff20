import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../../io/local-error.ts";
import {
  hasEnded,
  ownerlessName,
  parseTemporaryName,
  type TemporaryOwner,
  temporaryName,
} from "../../io/temporary-name.ts";
import { digestHex, digestOf } from "../../model/digest.ts";
import { type JournalRecords, maxJournalSize, parseJournal } from "./draft-journal.ts";

/**
 * The names of a draft that another run can go on with: those of its parts, which stay, and that of its journal, which says
 * whose the draft is: whoever gives the journal another name has it.
 */
export interface DraftFiles {
  readonly directory: string;
  /** The archive that it is to become, as a label. */
  readonly label: string;
  /** What the draft's files have in common. */
  readonly id: string;
  /** The journal's path. */
  readonly journal: string;
}

/** How long, in milliseconds, a draft is kept that nobody goes on with. */
const lifetime = 7 * 24 * 60 * 60 * 1000;

/** Names for a new draft of an archive, owned by this process. */
export function newDraftFiles(path: string): DraftFiles {
  const [directory, label] = [dirname(path), labelOf(path)];
  const name = temporaryName("draft", `${label}-journal`);
  return { directory, label, id: parseTemporaryName(name)?.id ?? "", journal: join(directory, name) };
}

/** The path of a part. */
export function draftPart({ directory, label, id }: DraftFiles, index: number): string {
  return join(directory, ownerlessName("draft", `${label}-${index}`, id));
}

/** Leaves a draft to whoever goes on with it. */
export async function disownDraft({ directory, label, id, journal }: DraftFiles): Promise<void> {
  await rename(journal, join(directory, ownerlessName("draft", `${label}-journal`, id)));
}

/** Removes a draft that is this process's, the journal last. */
export async function removeDraft({ directory, id, journal }: DraftFiles): Promise<void> {
  for (const { name, owner } of await draftsIn(directory).catch(() => [])) {
    if (owner.id === id && !isJournal(owner)) await rm(join(directory, name), { force: true });
  }
  await rm(journal, { force: true });
}

/**
 * Takes over the draft of an archive that is furthest, of those whose processes have ended; the others are removed, and so are
 * drafts with parts of another size. Of two runs that try at once, one gets it.
 */
export async function takeOverDraft(
  path: string,
  partSize: number | undefined,
): Promise<{ readonly files: DraftFiles; readonly records: JournalRecords } | undefined> {
  const directory = dirname(path);
  const label = labelOf(path);
  const found: { readonly name: string; readonly owner: TemporaryOwner; readonly bytes: number }[] = [];
  for (const { name, owner } of await draftsIn(directory)) {
    if (owner.label !== `${label}-journal` || (await hasEnded(owner)) !== true) continue;
    const journal = join(directory, name);
    if (!(await isOwn(journal))) continue;
    const records = await readRecords(journal);
    found.push({ name, owner, bytes: usableBytes(records, partSize) });
  }
  found.sort((a, b) => b.bytes - a.bytes);
  let taken: { readonly files: DraftFiles; readonly records: JournalRecords } | undefined;
  for (const { name, owner } of found) {
    const files = await claim(directory, name, owner, label);
    if (files === undefined) continue;
    const records = taken === undefined ? await readRecords(files.journal) : undefined;
    if (records !== undefined && usableBytes(records, partSize) > 0) taken = { files, records };
    else await removeDraft(files).catch(() => {});
  }
  return taken;
}

/** Removes what drafts nobody has gone on with for a week; what cannot be removed stays. */
export async function removeOldDrafts(directory: string): Promise<void> {
  const drafts = await draftsIn(directory);
  const known = new Set(drafts.filter(({ owner }) => isJournal(owner)).map(({ owner }) => owner.id));
  for (const { name, owner } of drafts) {
    const path = join(directory, name);
    const age = await lstat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age < lifetime) continue;
    if (!isJournal(owner)) {
      if (!known.has(owner.id)) await rm(path, { force: true }).catch(() => {});
    } else if ((await hasEnded(owner)) !== false) {
      const label = (owner.label ?? "").replace(/-journal$/, "");
      const files = await claim(directory, name, owner, label);
      if (files !== undefined) await removeDraft(files).catch(() => {});
    }
  }
}

/**
 * Opens what a draft has left, if it is a regular file of this user's: in a directory that others may write to, a file could
 * be anybody's.
 *
 * @throws the system's errors.
 */
export async function openOwnFile(path: string, flags: number): Promise<FileHandle | undefined> {
  const handle = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      if (/^(ENOENT|ELOOP)$/.test(errnoOf(error))) return undefined;
      throw error;
    },
  );
  if (handle === undefined) return undefined;
  const found = await handle.stat();
  if (found.isFile() && found.uid === (process.getuid?.() ?? found.uid) && found.nlink === 1) return handle;
  await handle.close();
  return undefined;
}

async function isOwn(path: string): Promise<boolean> {
  return lstat(path).then(
    ({ uid }) => uid === (process.getuid?.() ?? uid),
    () => false,
  );
}

/** Gives a journal a name of this process's; `undefined` where another one was first, or it may not. */
async function claim(
  directory: string,
  name: string,
  { id }: TemporaryOwner,
  label: string,
): Promise<DraftFiles | undefined> {
  const journal = join(directory, temporaryName("draft", `${label}-journal`, id));
  try {
    await rename(join(directory, name), journal);
  } catch {
    return undefined;
  }
  return { directory, label, id, journal };
}

async function readRecords(path: string): Promise<JournalRecords | undefined> {
  const handle = await openOwnFile(path, constants.O_RDONLY);
  if (handle === undefined) return undefined;
  try {
    return (await handle.stat()).size > maxJournalSize
      ? undefined
      : parseJournal(await handle.readFile("utf8"));
  } finally {
    await handle.close();
  }
}

function usableBytes(records: JournalRecords | undefined, partSize: number | undefined): number {
  if (records === undefined || records.partSize !== partSize) return 0;
  return records.blobs.reduce((sum, { written }) => sum + written, 0);
}

async function draftsIn(
  directory: string,
): Promise<{ readonly name: string; readonly owner: TemporaryOwner }[]> {
  return (await readdir(directory)).flatMap((name) => {
    const owner = parseTemporaryName(name);
    return owner?.kind === "draft" ? [{ name, owner }] : [];
  });
}

function isJournal({ label }: TemporaryOwner): boolean {
  return label?.endsWith("-journal") ?? false;
}

function labelOf(path: string): string {
  return digestHex(digestOf(Buffer.from(basename(path), "utf8"))).slice(0, 32);
}
