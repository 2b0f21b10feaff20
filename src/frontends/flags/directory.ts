import { ComposeImageError } from "../../model/errors.ts";

/**
 * Reads `SRC` or `SRC:DST`. Without `DST` the directory keeps its path.
 *
 * @throws ComposeImageError `USAGE` for an empty part, a second colon, or a source that `..` leads out of the image.
 */
export function parseDirectory(text: string): { readonly source: string; readonly destination: string } {
  const parts = text.split(":");
  const [source = "", destination = source] = parts;
  const invalid = (what: string, hint: string): ComposeImageError =>
    new ComposeImageError("USAGE", `--directory ${text}: ${what}`, { hint });
  if (parts.length > 2) throw invalid("it has more than one colon", "Write SRC or SRC:DST.");
  if (source === "" || destination === "") throw invalid("a path is empty", "Write SRC or SRC:DST.");
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
