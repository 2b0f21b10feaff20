import type { Call } from "../../io/call.ts";
import { LayoutSource } from "../layout/layout-source.ts";
import { ArchiveContent, readLayoutEntries } from "./archive-content.ts";
import { ArchiveFile } from "./archive-file.ts";
import { readDockerContent } from "./docker-archive.ts";

/** All images of an archive that is open to be read. */
export interface WholeArchive extends AsyncDisposable {
  readonly images: LayoutSource;
}

/**
 * Opens an archive of whatever kind with all its images: those of its OCI layout where it holds one, else those of
 * `docker save`. It is read where it is; replacing the file changes nothing.
 *
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` when there is no such file; `ARCHIVE_INVALID` and what reading it throws.
 */
export async function openWholeArchive(path: string, call: Call): Promise<WholeArchive> {
  const file = await ArchiveFile.open(path, path, call);
  try {
    const entries = await readLayoutEntries(file, call);
    const content =
      entries === undefined ? await readDockerContent(file, call) : new ArchiveContent(file, entries);
    return { images: new LayoutSource(path, content), [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}
