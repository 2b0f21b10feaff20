import { ComposeImageError } from "../model/errors.ts";

/**
 * Reads a volume's path.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE` unless it is absolute.
 */
export function parseVolume(text: string, what: string): string {
  if (text.startsWith("/")) return text;
  throw new ComposeImageError("USAGE", `${what} ${text} is not an absolute path`, {
    hint: "A volume is a directory in the image, for example /var/lib/app.",
  });
}
