import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import type { CopySource, LocalSource } from "./compose-plan.ts";
import { localDirectory, parseImage } from "./images.ts";
import { within } from "./within.ts";

/**
 * Reads what is copied from: an image, or `local:DIR`.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseCopySource(text: string, what: string): CopySource {
  const local = within(what, () => parseLocalSource(text));
  if (local !== undefined) return local;
  if (/^(?:~|\.\.?$|\.{0,2}\/)/.test(text)) {
    throw new ComposeImageError("REFERENCE_INVALID", `${what} ${text} is a path, not an image`, {
      hint: `A directory of this machine is written local:${text}`,
    });
  }
  return imageSource(parseImage(text, what));
}

/**
 * Reads `local:DIR`; `undefined` where something else is written.
 *
 * @throws ComposeImageError `REFERENCE_INVALID` where no directory is named.
 */
export function parseLocalSource(text: string): LocalSource | undefined {
  const directory = localDirectory(text);
  if (directory === undefined) return undefined;
  if (directory !== "") return { kind: "local", directory };
  throw new ComposeImageError("REFERENCE_INVALID", `${text} names no directory`, {
    hint: "A directory of this machine is written local:DIR; the current one is local:.",
  });
}

/** Copies from an image. */
export function imageSource(location: ImageLocation): CopySource {
  return { kind: "image", location };
}

/** The source as {@link parseCopySource} reads it; stages have no such name. */
export function formatCopySource(source: CopySource): string | undefined {
  if (source.kind === "stage") return undefined;
  return source.kind === "image" ? formatLocation(source.location) : `local:${source.directory}`;
}
