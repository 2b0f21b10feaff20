import { ComposeImageError } from "../../model/errors.ts";

/**
 * Reads `SRC` or `SRC:DST`. Without `DST` the directory keeps its path, which is meant from the image's root.
 *
 * @throws ComposeImageError `USAGE` for an empty part, a second colon, a source that `..` leads out of the image, or a
 *   pattern without a destination.
 */
export function parseDirectory(text: string): { readonly source: string; readonly destination: string } {
  const parts = text.split(":");
  const [source = "", destination = source.startsWith("/") ? source : `/${source}`] = parts;
  const invalid = (what: string, hint: string): ComposeImageError =>
    new ComposeImageError("USAGE", `--directory ${text}: ${what}`, { hint });
  if (parts.length > 2) throw invalid("it has more than one colon", "Write SRC or SRC:DST.");
  if (source === "" || destination === "") throw invalid("a path is empty", "Write SRC or SRC:DST.");
  if (parts.length === 1 && /[*?[\\]/.test(source)) {
    throw invalid(
      "a pattern needs a destination",
      "Write PATTERN:DST/, and a backslash before a character that is meant literally.",
    );
  }
  if (leavesRoot(source))
    throw invalid(`${source} lies outside the image`, "Paths start at the image's root.");
  return { source, destination };
}

function leavesRoot(path: string): boolean {
  let depth = 0;
  for (const component of path.split("/")) {
    if (component === "" || component === ".") continue;
    depth += component === ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}
