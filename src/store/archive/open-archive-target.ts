import { realpath, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { removeLeftovers } from "../../io/directory-lock.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import type { TransferListener } from "../../io/transfer.ts";
import { ComposeImageError } from "../../model/errors.ts";
import {
  type ArchiveLocation,
  formatLocation,
  type ImageLocation,
  standardOutput,
} from "../../model/location.ts";
import { ArchiveDraft } from "./archive-draft.ts";
import { ArchiveTarget } from "./archive-target.ts";
import { ArchiveWriter } from "./archive-writer.ts";
import { removeOldDrafts } from "./draft-files.ts";
import { DraftResumption } from "./draft-resumption.ts";
import { archiveName } from "./open-archive.ts";

/** Options of {@link openArchiveTarget}. */
export interface ArchiveTargetOptions {
  /** Takes an archive that goes to standard output; without it there is none. */
  readonly writeOutput?: ((content: Content) => Promise<void>) | undefined;
  /** Where such an archive is kept until it is whole. Default the system's (`TMPDIR`). */
  readonly temporaryDirectory?: string | undefined;
  /**
   * Splits an `oci-archive:` into parts of so many bytes, `FILE.001`, …, with their list, `FILE.sha256`. Default: it is one
   * file.
   */
  readonly partSize?: number | undefined;
  /**
   * Whether an `oci-archive:` that is not finished leaves what the next run for the same file goes on with. Default `false`:
   * it leaves nothing.
   */
  readonly resume?: boolean | undefined;
  /** Told of what was found or left to go on with. */
  readonly onTransfer?: TransferListener | undefined;
}

/**
 * Opens an archive to be written, beside the file that it becomes when it is committed. What was there is replaced then,
 * and nothing of it is kept. An archive for standard output is written there once it is whole, and only once.
 *
 * @throws ComposeImageError `USAGE` for what cannot become a file, and for standard output without a taker; `LOCAL_IO`,
 *   `DISK_FULL`.
 */
export async function openArchiveTarget(
  location: ArchiveLocation,
  options: ArchiveTargetOptions,
  call: Call,
): Promise<ArchiveTarget> {
  call.signal.throwIfAborted();
  const name = archiveName(location);
  const { transport, file } = location;
  const { partSize } = options;
  if (partSize !== undefined) expectSplittable(location, partSize);
  if (file === standardOutput) {
    const { writeOutput, temporaryDirectory = tmpdir() } = options;
    if (writeOutput === undefined) {
      throw new ComposeImageError("USAGE", `target ${name}: there is no standard output to write to`);
    }
    const writer = await ArchiveWriter.open(() =>
      ArchiveDraft.create(temporaryDirectory, { hasName: false }),
    );
    let isWritten = false;
    return new ArchiveTarget(name, transport, writer, {
      deliver: async (draft, size, inner) => {
        if (isWritten) {
          throw new ComposeImageError("USAGE", `target ${name}: standard output holds one archive`, {
            hint: "Compose the images into a file, or one at a time.",
          });
        }
        isWritten = true;
        await writeOutput(draft.read(0, size, inner));
      },
    });
  }
  const path = await archivePath(location);
  await removeLeftovers(dirname(path)).catch(() => {});
  await removeOldDrafts(dirname(path)).catch(() => {});
  const canResume = options.resume === true && transport === "oci-archive";
  const tell = (kind: "note" | "warning", message: string): void => {
    options.onTransfer?.({ kind, store: name, message });
  };
  let found = canResume ? await DraftResumption.takeOver(path, partSize) : undefined;
  if (found !== undefined) tell("note", `going on with what an earlier run has left beside ${path}`);
  const writer = await ArchiveWriter.open(async () => {
    const resumption = found ?? (canResume ? await DraftResumption.begin(path, partSize) : undefined);
    found = undefined;
    return ArchiveDraft.create(dirname(path), { partSize, resumption });
  });
  return new ArchiveTarget(name, transport, writer, {
    deliver: (draft, size, inner) => draft.publish(path, size, inner),
    left: () => {
      tell("warning", `what has arrived is kept beside ${path} for a week: the same command goes on with it`);
    },
  });
}

/** @throws ComposeImageError `USAGE` for what is not written in parts. */
export function expectSplittable(location: ImageLocation, partSize: number): void {
  const refuse = (what: string): never => {
    throw new ComposeImageError("USAGE", `target ${formatLocation(location)}: ${what}`, {
      hint: "Parts are made of oci-archive:FILE.",
    });
  };
  if (!Number.isSafeInteger(partSize) || partSize < 1) refuse(`${partSize} is no size of parts`);
  if (location.transport !== "oci-archive") refuse("it cannot be split");
  else if (location.file === standardOutput) refuse("standard output cannot be split");
}

/**
 * The file that an archive replaces or becomes, the same for all names that it has: symlinks are followed.
 *
 * @throws ComposeImageError `USAGE` for what is there and no regular file; `LOCAL_IO`.
 */
export async function archivePath(location: ArchiveLocation): Promise<string> {
  const name = archiveName(location);
  const { file } = location;
  try {
    const path = await realpath(file);
    if ((await stat(path)).isFile()) return path;
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return newPath(file);
    throw localError(cause, `target ${name} cannot be written`);
  }
  throw new ComposeImageError("USAGE", `target ${name}: ${file} is there, and no regular file`, {
    hint: "Name a file; standard output is -, a layout directory oci:DIR.",
  });
}

/** Of a file that is not there yet, in a directory that may have several names. */
async function newPath(file: string): Promise<string> {
  const path = resolve(file);
  const directory = await realpath(dirname(path)).catch(() => dirname(path));
  return join(directory, basename(path));
}
