import type { Call } from "../../io/call.ts";
import type { Side } from "../../io/transfer.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { type ArchiveLocation, type LayoutArchiveLocation, standardOutput } from "../../model/location.ts";
import { LayoutSource } from "../layout/layout-source.ts";
import type { ManifestSelector } from "../source.ts";
import { ArchiveContent, readLayoutEntries } from "./archive-content.ts";
import { invalidArchive } from "./archive-fault.ts";
import { ArchiveFile } from "./archive-file.ts";
import { findDockerImage } from "./docker-archive.ts";
import type { WholeArchive } from "./open-whole-archive.ts";

/** An archive that is open to be read, and how to ask it for the image meant. */
export interface OpenArchive extends AsyncDisposable {
  readonly source: LayoutSource;
  readonly selector: ManifestSelector;
}

/**
 * Opens an archive to read the image that the location names.
 *
 * @throws ComposeImageError `USAGE` for standard input; what opening the file and finding the image throws.
 */
export async function openArchive(location: ArchiveLocation, side: Side, call: Call): Promise<OpenArchive> {
  const file = await openFile(location, side, call);
  try {
    const image = await findImage(file, location, side, call);
    return { ...image, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens an archive with an OCI layout to read all its images.
 *
 * @throws ComposeImageError `USAGE` for standard input; `MANIFEST_NOT_FOUND`, `ARCHIVE_INVALID` and what opening throws.
 */
export async function openLayoutArchive(
  location: LayoutArchiveLocation,
  side: Side,
  call: Call,
): Promise<WholeArchive> {
  const file = await openFile(location, side, call);
  try {
    const images = await layoutIn(file, location, side, call);
    return { images, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The archive without the image's name, as it is written on the command line. */
export function archiveName({ transport, file }: ArchiveLocation): string {
  return `${transport}:${file}`;
}

async function findImage(
  file: ArchiveFile,
  location: ArchiveLocation,
  side: Side,
  call: Call,
): Promise<{ readonly source: LayoutSource; readonly selector: ManifestSelector }> {
  if (location.transport === "docker-archive") {
    const name = archiveName(location);
    const { content, descriptor } = await findDockerImage(file, location.reference, name, call);
    return { source: new LayoutSource(name, content, side), selector: { digest: descriptor.digest } };
  }
  const source = await layoutIn(file, location, side, call);
  const { tag } = location;
  return {
    source,
    selector: tag === undefined ? { digest: (await source.soleImage(call)).digest } : { tag },
  };
}

async function openFile(location: ArchiveLocation, side: Side, call: Call): Promise<ArchiveFile> {
  const subject = `${side} ${archiveName(location)}`;
  if (location.file === standardOutput) {
    throw new ComposeImageError("USAGE", `${subject}: no image is read from standard input`, {
      hint: "An archive is read at random: save it to a file first.",
    });
  }
  return ArchiveFile.open(location.file, subject, call);
}

async function layoutIn(
  file: ArchiveFile,
  location: LayoutArchiveLocation,
  side: Side,
  call: Call,
): Promise<LayoutSource> {
  const entries = await readLayoutEntries(file, call);
  if (entries === undefined) {
    const isDocker = file.find("manifest.json") !== undefined;
    throw invalidArchive(
      file.subject,
      "it holds no whole OCI image layout",
      isDocker
        ? `It is an archive of docker save: docker-archive:${location.file}`
        : "It has no oci-layout or no index.json: it was cut, or is no archive of an image.",
    );
  }
  return new LayoutSource(archiveName(location), new ArchiveContent(file, entries), side);
}
