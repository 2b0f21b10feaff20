import { ComposeImageError } from "../model/errors.ts";

/** What is to be copied, and where it goes. */
export interface SourceAndDestination {
  readonly source: string;
  readonly destination: string;
}

/**
 * Reads `SRC` or `SRC:DST`. Without `DST` the directory keeps its path, which is meant from the image's root.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE` for an empty part, a second colon, a source that `..` leads out of the image, or a
 *   pattern without a destination.
 */
export function parseDirectory(text: string, what: string): SourceAndDestination {
  const parts = text.split(":");
  const [source = "", destination] = parts;
  const where = `${what} ${text}`;
  if (parts.length > 2) throw usage(`${where}: it has more than one colon`, "Write SRC or SRC:DST.");
  if (source === "" || destination === "") throw usage(`${where}: a path is empty`, "Write SRC or SRC:DST.");
  expectInside(source, where);
  return { source, destination: destination ?? samePath(source, where) };
}

/**
 * Where a source goes that comes without a destination: the same path.
 *
 * @throws ComposeImageError `USAGE` for a pattern.
 */
export function samePath(source: string, what: string): string {
  if (/[*?[\\]/.test(source)) {
    throw usage(
      `${what}: a pattern needs a destination`,
      "Write PATTERN:DST/, and a backslash before a character that is meant literally.",
    );
  }
  return source.startsWith("/") ? source : `/${source}`;
}

/**
 * Refuses a source that `..` leads out of the image.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectInside(source: string, what: string): void {
  if (leadsOut(source)) {
    throw usage(`${what}: ${source} lies outside the image`, "Paths start at the image's root.");
  }
}

/** Whether `..` leads a path above the root it is meant from. */
export function leadsOut(path: string): boolean {
  let depth = 0;
  return path.split("/").some((component) => {
    if (component !== "" && component !== ".") depth += component === ".." ? -1 : 1;
    return depth < 0;
  });
}

function usage(message: string, hint: string): ComposeImageError {
  return new ComposeImageError("USAGE", message, { hint });
}
