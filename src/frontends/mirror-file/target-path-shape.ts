import { isRepository } from "../../model/reference.ts";
import { faultAt, type Place } from "../yaml/located.ts";
import { text } from "../yaml/scalar-shapes.ts";
import { refined, type Shape } from "../yaml/shape.ts";

/** A repository's path, without its registry; slashes at the ends do not count. */
export const targetPathShape: Shape<string> = refined(text("a path", String), (path, value) => {
  const trimmed = path.replace(/^\/+|\/+$/g, "");
  expectTarget(trimmed, value);
  return trimmed;
});

/**
 * Refuses what no registry takes for a repository's path.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectTarget(path: string, place: Place): void {
  if (isRepository(path)) return;
  throw faultAt(
    place,
    `${JSON.stringify(path.slice(0, 300))} is no path of a repository`,
    "Lower-case letters and digits, with . _ or - between them, and slashes between the parts; no registry, no tag.",
  );
}
