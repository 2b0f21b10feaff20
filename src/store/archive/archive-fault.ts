import { localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";

/** The error for a file that is not the archive it should be. */
export function invalidArchive(subject: string, what: string, hint?: string): ComposeImageError {
  return new ComposeImageError("ARCHIVE_INVALID", `${subject}: ${what}`, {
    hint: hint ?? "Write the archive again with the tool that made it.",
  });
}

/** The error for a file that the archive should hold. */
export function missingMember(subject: string, name: string): ComposeImageError {
  return invalidArchive(subject, `it has no ${name}`, "The archive is incomplete; write it again.");
}

/** The error for an archive that cannot be written where it is to appear. */
export function cannotWriteIn(directory: string, cause: unknown): ComposeImageError {
  return localError(cause, `cannot write an archive in ${directory}`, {
    hint: "Check that the directory is there and may be written to.",
  });
}

/** What packed files begin with, and what unpacks them. */
const packers: readonly (readonly [magic: string, name: string, command: string])[] = [
  ["\x1f\x8b", "gzip", "gunzip"],
  ["\x28\xb5\x2f\xfd", "zstd", "unzstd"],
  ["BZh", "bzip2", "bunzip2"],
  ["\xfd7zXZ\0", "xz", "unxz"],
];

/** @throws ComposeImageError `ARCHIVE_INVALID` for a packed file, in which nothing can be found without unpacking all. */
export function expectUncompressed(head: Buffer, subject: string): void {
  const text = head.toString("latin1");
  const packer = packers.find(([magic]) => text.startsWith(magic));
  if (packer === undefined) return;
  const [, name, command] = packer;
  throw invalidArchive(
    subject,
    `it is packed with ${name}, and archives are read where they are`,
    `Unpack it first, with ${command}; the layers in it stay packed.`,
  );
}
