import type { Call } from "../../io/call.ts";
import type { Target } from "../target.ts";
import type { IndexEntry } from "./index-entry.ts";

/** Makes other entries of those there are; gives its argument back where nothing is to change. */
export type EntryChange = (entries: readonly IndexEntry[]) => readonly IndexEntry[];

/** A layout, in a directory or in an archive that is being written, whose entries can be changed one by one. */
export interface WritableLayout extends Pick<Target, "push" | "pushManifest" | "expect"> {
  /**
   * Replaces the entries by what the change makes of them, with no other change in between.
   *
   * @throws ComposeImageError the store's.
   */
  changeEntries(change: EntryChange, call: Call): Promise<void>;
}
