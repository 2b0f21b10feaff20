import { parseLocation } from "../model/location.ts";
import type { FilesLocation } from "../ops/image-files.ts";
import { parseLocalSource } from "../plan/copy-source.ts";

/**
 * Reads what `ls` and `cat` look into: an image, or `local:DIR`.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseFilesLocation(text: string): FilesLocation {
  return parseLocalSource(text) ?? parseLocation(text);
}
