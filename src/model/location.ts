import { ComposeImageError } from "./errors.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** An image in a registry. */
export interface RegistryLocation {
  readonly transport: "registry";
  readonly reference: Reference;
}

/** An image in an OCI image layout directory. Without `tag`, the layout's only image is meant. */
export interface LayoutLocation {
  readonly transport: "oci";
  readonly directory: string;
  readonly tag?: string;
}

/** An image in a tar archive of an OCI image layout. Without `tag`, the archive's only image is meant. */
export interface LayoutArchiveLocation {
  readonly transport: "oci-archive";
  /** {@link standardOutput} where the archive is written there. */
  readonly file: string;
  readonly tag?: string;
}

/** An image in an archive as `docker save` writes it. Without `reference`, the archive's only image is meant. */
export interface DockerArchiveLocation {
  readonly transport: "docker-archive";
  /** {@link standardOutput} where the archive is written there. */
  readonly file: string;
  /** What the image is called there; never has a digest. */
  readonly reference?: Reference;
}

/** An image in a file. */
export type ArchiveLocation = LayoutArchiveLocation | DockerArchiveLocation;

/** Where an image is, by transport, in the words of containers-transports(5). */
export type ImageLocation = RegistryLocation | LayoutLocation | ArchiveLocation;

/** The file that stands for standard output. */
export const standardOutput = "-";

const layoutRef =
  /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
const foreignTransports = /^(docker-daemon|dir|containers-storage|ostree|sif|tarball):/;

/** How each transport that names files is written. */
const spellings = {
  oci: "An OCI layout is written oci:DIR or oci:DIR:TAG.",
  "oci-archive": "An archive of an OCI layout is written oci-archive:FILE or oci-archive:FILE:TAG.",
  "docker-archive":
    "An archive as of docker save is written docker-archive:FILE or docker-archive:FILE:REPOSITORY:TAG.",
} as const;

/** What begins with a transport's name and a colon, the path after it up to the next colon, and the rest. */
const fileLocation = /^(oci|oci-archive|docker-archive):([^:]*)(?::(.*))?$/s;

/**
 * Reads `[docker://]reference`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]` or `docker-archive:FILE[:REFERENCE]`. A path
 * has no colon; `/dev/stdout` is standard output, written `-` here.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseLocation(text: string): ImageLocation {
  const foreign = foreignTransports.exec(text)?.[1];
  if (foreign !== undefined) {
    throw new ComposeImageError(
      "REFERENCE_INVALID",
      `the transport ${foreign}: in ${JSON.stringify(text)} is not supported`,
      {
        hint: "Use a registry reference, oci:DIR, oci-archive:FILE or docker-archive:FILE; skopeo copy turns other transports into these.",
      },
    );
  }
  const [, transport, path = "", rest] = fileLocation.exec(text) ?? [];
  switch (transport) {
    case "oci":
      return { transport, directory: expectPath(path, transport, text), ...tagIn(rest, transport, text) };
    case "oci-archive":
      return { transport, file: fileAt(path, transport, text), ...tagIn(rest, transport, text) };
    case "docker-archive":
      return { transport, file: fileAt(path, transport, text), ...referenceIn(rest, text) };
    default:
      return { transport: "registry", reference: parseReference(text) };
  }
}

/** The location as it is written on the command line. */
export function formatLocation(location: ImageLocation): string {
  switch (location.transport) {
    case "registry":
      return formatReference(location.reference);
    case "oci":
      return `oci:${location.directory}${suffix(location.tag)}`;
    case "oci-archive":
      return `oci-archive:${location.file}${suffix(location.tag)}`;
    case "docker-archive":
      return `docker-archive:${location.file}${suffix(location.reference && formatReference(location.reference))}`;
  }
}

/** Whether the image is in a file, or on standard output. */
export function isArchive(location: ImageLocation): location is ArchiveLocation {
  return location.transport === "oci-archive" || location.transport === "docker-archive";
}

function suffix(name: string | undefined): string {
  return name === undefined ? "" : `:${name}`;
}

function expectPath(path: string, transport: keyof typeof spellings, text: string): string {
  if (path !== "") return path;
  throw malformed(text, "it names no path", spellings[transport]);
}

function fileAt(path: string, transport: keyof typeof spellings, text: string): string {
  return path === "/dev/stdout" ? standardOutput : expectPath(path, transport, text);
}

function tagIn(rest: string | undefined, transport: keyof typeof spellings, text: string): { tag?: string } {
  if (rest === undefined) return {};
  if (layoutRef.test(rest)) return { tag: rest };
  throw malformed(text, `${JSON.stringify(rest)} is not a tag`, spellings[transport]);
}

function referenceIn(rest: string | undefined, text: string): { reference?: Reference } {
  if (rest === undefined) return {};
  const reference = parseReference(rest);
  if (reference.digest === undefined) return { reference };
  throw malformed(
    text,
    "an archive's images have no digests to be chosen by",
    "Leave out the part from @ on.",
  );
}

function malformed(text: string, what: string, hint: string): ComposeImageError {
  return new ComposeImageError("REFERENCE_INVALID", `malformed reference ${JSON.stringify(text)}: ${what}`, {
    hint,
  });
}
