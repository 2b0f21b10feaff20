import { textOfBytes } from "../tar/byte-string.ts";
import type { ExcludePatterns } from "./exclude.ts";
import { compileGoMatch } from "./go-match.ts";
import { componentsOf, type ImagePath, isWithin, nameOf } from "./path.ts";
import { literalPrefix, wildcardComponents } from "./source-pattern.ts";

/** What a copy step takes from an image. */
export interface Selection {
  /** Paths or patterns, as typed. */
  readonly sources: readonly string[];
  readonly exclude: ExcludePatterns;
}

/**
 * Guesses by a file's path whether a copy takes it, before the files are merged: so that content that patterns leave
 * out is not put aside. What lies outside all sources came in by a symlink; it is wanted.
 */
export function wantedBodies(selections: readonly Selection[]): (path: ImagePath) => boolean {
  const sources = selections.flatMap(({ sources, exclude }) =>
    sources.map((source) => ({
      prefix: literalPrefix(source),
      wild: wildcardComponents(source).map(compileGoMatch),
      exclude,
    })),
  );
  if (sources.every(({ wild, exclude }) => wild.length === 0 && exclude.isEmpty)) return () => true;
  return (path) => {
    const candidates = sources.filter(({ prefix }) => isWithin(path, prefix));
    if (candidates.length === 0) return true;
    return candidates.some(({ prefix, wild, exclude }) => {
      const below = componentsOf((prefix === "" ? path : path.slice(prefix.length + 1)) as ImagePath);
      if (below.length < wild.length) return false;
      if (!wild.every((accepts, i) => accepts(textOfBytes(below[i] ?? nameOf(path))))) return false;
      const relative = below.slice(wild.length).join("/") as ImagePath;
      return !exclude.excludes(relative === "" ? nameOf(path) : relative);
    });
  };
}
