import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, textOfBytes } from "./byte-string.ts";

/** Where in which archive something is wrong. */
export interface TarPlace {
  /** What the archive is: `builder layer 3 of registry.example/app`. */
  readonly subject: string;
  /** Bytes of the uncompressed archive before the header block in question. */
  readonly offset: number;
}

/** The error for an archive that breaks the format's rules. */
export function invalidTar(place: TarPlace, what: string): ComposeImageError {
  return new ComposeImageError(
    "LAYER_INVALID",
    `${place.subject}: tar header at byte ${place.offset}: ${what}`,
    {
      hint: "The archive was written wrongly or is damaged where it is stored; build it again.",
    },
  );
}

/** The error for an archive that ends too early. */
export function truncatedTar(subject: string, what: string): ComposeImageError {
  return new ComposeImageError("LAYER_TRUNCATED", `${subject}: the tar archive ends ${what}`, {
    hint: "Retry; if it repeats, the archive is incomplete where it is stored: build it again.",
  });
}

/** The error for metadata larger than any honest archive's. */
export function oversizedTar(place: TarPlace, what: string): ComposeImageError {
  return new ComposeImageError(
    "LIMIT_EXCEEDED",
    `${place.subject}: tar header at byte ${place.offset}: ${what}`,
  );
}

/** A path in quotes, control characters escaped. */
export function quotePath(path: ByteString): string {
  return JSON.stringify(textOfBytes(path));
}
