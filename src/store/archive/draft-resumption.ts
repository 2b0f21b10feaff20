import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { leastResumed } from "../layout/partial-blob.ts";
import { cannotWriteIn } from "./archive-fault.ts";
import {
  type DraftFiles,
  disownDraft,
  draftPart,
  newDraftFiles,
  openOwnFile,
  removeDraft,
  takeOverDraft,
} from "./draft-files.ts";
import { DraftJournal, type PlacedBlob } from "./draft-journal.ts";
import type { OpenPart } from "./joined-files.ts";

/** What makes a draft one that another run can go on with when this one breaks off, even by `kill -9`. */
export class DraftResumption {
  /** What an earlier run has left, **not verified**, in the order of the places. */
  readonly found: readonly PlacedBlob[];
  readonly #files: DraftFiles;
  readonly #journal: DraftJournal;
  /** How much of each blob is written, by its place. */
  readonly #written: Map<number, number>;

  private constructor(files: DraftFiles, journal: DraftJournal, found: readonly PlacedBlob[]) {
    this.found = found;
    this.#files = files;
    this.#journal = journal;
    this.#written = new Map(found.map(({ start, written }) => [start, written]));
  }

  /**
   * Begins a new draft.
   *
   * @param path the archive that it is to become.
   * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
   */
  static async begin(path: string, partSize: number | undefined): Promise<DraftResumption> {
    const files = newDraftFiles(path);
    try {
      return new DraftResumption(files, await DraftJournal.create(files.journal, partSize), []);
    } catch (cause) {
      throw cannotWriteIn(dirname(path), cause);
    }
  }

  /**
   * Goes on with what an ended run has left for the same archive; `undefined` where there is nothing of use.
   *
   * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
   */
  static async takeOver(path: string, partSize: number | undefined): Promise<DraftResumption | undefined> {
    try {
      const taken = await takeOverDraft(path, partSize);
      if (taken === undefined) return undefined;
      const { files, records } = taken;
      return new DraftResumption(files, await DraftJournal.reopen(files.journal), records.blobs);
    } catch (cause) {
      throw cannotWriteIn(dirname(path), cause);
    }
  }

  /** Opens a part, or makes it. */
  async openPart(index: number): Promise<OpenPart> {
    const path = draftPart(this.#files, index);
    const known = await openOwnFile(path, constants.O_RDWR);
    if (known !== undefined) return { path, handle: known };
    await rm(path, { force: true });
    return { path, handle: await open(path, "wx+", 0o644) };
  }

  /** Says where a blob is going to be. */
  place(blob: Omit<PlacedBlob, "written">): void {
    this.#written.delete(blob.start);
    this.#journal.place(blob);
  }

  /**
   * Says how many bytes of the blob at `start` are written.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async note(start: number, written: number): Promise<void> {
    this.#written.set(start, written);
    this.#journal.wrote(start, written);
    await this.#journal.settled();
  }

  /** Whether there is enough for another run to go on with. */
  get isWorthKeeping(): boolean {
    return [...this.#written.values()].reduce((sum, each) => sum + each, 0) >= leastResumed;
  }

  /** Leaves the draft, whose parts are closed, to whoever goes on with it. */
  async disown(): Promise<void> {
    await this.#journal.close();
    await disownDraft(this.#files);
  }

  /** Removes what is left of the draft under its temporary names. */
  async remove(): Promise<void> {
    await this.#journal.close();
    await removeDraft(this.#files);
  }
}
