import type { Call } from "../io/call.ts";
import { withDirectoryLock } from "../io/directory-lock.ts";
import { ComposeImageError } from "../model/errors.ts";
import { openWholeArchive } from "../store/archive/open-whole-archive.ts";
import { openLayout } from "../store/layout/open-layout.ts";
import { baseRepositoryOf } from "../store/layout/placement.ts";
import type { RegistryContent, WritableContent } from "./exchange.ts";
import { Repositories } from "./repositories.ts";
import { RepositoryWriter } from "./repository-writer.ts";
import { UploadSessions } from "./upload-sessions.ts";

/** An OCI image layout, which is made with `writable` if it is missing; or an archive, which is only read. */
export type RegistryPlace =
  | {
      readonly directory: string;
      /** Whether clients may push and delete. There is no authentication: whoever reaches the port may. */
      readonly writable: boolean;
      readonly archive?: undefined;
    }
  | {
      /** A tar archive of an OCI layout or of `docker save`, read where it is. */
      readonly archive: string;
      readonly directory?: undefined;
      readonly writable?: false;
    };

/** What a registry serves. */
export interface OpenContent {
  readonly content: RegistryContent;
  /** Only there for a registry that is written to. */
  readonly writable?: WritableContent;
  close(): Promise<void>;
}

/**
 * Opens it.
 *
 * @param uploadLifetime milliseconds after which an upload that nobody goes on with is discarded.
 * @throws ComposeImageError `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `MANIFEST_NOT_FOUND` for an archive that is not there;
 *   `LOCAL_IO`, also where `writable` cannot be.
 */
export async function openContent(
  place: RegistryPlace,
  uploadLifetime: number | undefined,
  call: Call,
): Promise<OpenContent> {
  if (place.archive !== undefined) {
    const archive = await openWholeArchive(place.archive, call);
    const { images } = archive;
    return {
      content: { images, repositories: new Repositories(images, baseRepositoryOf(place.archive)) },
      close: async () => archive[Symbol.asyncDispose](),
    };
  }
  const { directory, writable } = place;
  const images = await openLayout(directory, { create: writable, followSymlinks: false }, call);
  const content = { images, repositories: new Repositories(images, baseRepositoryOf(directory)) };
  if (!writable) return { content, close: async () => {} };
  await expectWritable(directory, call);
  const uploads = new UploadSessions(images.blobs, uploadLifetime);
  const writer = new RepositoryWriter(images, content.repositories);
  return { content, writable: { ...content, writer, uploads }, close: () => uploads.close() };
}

/** Fails at the start rather than with the first push. */
async function expectWritable(directory: string, call: Call): Promise<void> {
  try {
    await withDirectoryLock(directory, async () => {}, call);
  } catch (cause) {
    if (!(cause instanceof ComposeImageError)) throw cause;
    throw new ComposeImageError(cause.code, `${cause.message}: nothing could be pushed there`, {
      hint: "Let this user write to the directory, or serve it without --writable.",
      cause,
    });
  }
}
