import { formatLocation, type ImageLocation } from "../model/location.ts";
import type { CopySource } from "./compose-plan.ts";
import { parseImage } from "./images.ts";

/**
 * Reads what is copied from: an image.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseCopySource(text: string, what: string): CopySource {
  return imageSource(parseImage(text, what));
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
