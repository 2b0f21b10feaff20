import { type ByteString, textOfBytes } from "../tar/byte-string.ts";
import { goPatternSource, hasWildcards } from "./go-match.ts";

interface ExcludePattern {
  readonly keeps: boolean;
  readonly matches: (path: string) => boolean;
}

/**
 * Patterns as in `.dockerignore`: relative to the root of what is copied, `**` for any number of directories, `!` for
 * exceptions; the last pattern that matches a path or a directory above it decides.
 *
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export class ExcludePatterns {
  readonly #patterns: readonly ExcludePattern[];

  /** @throws ComposeImageError `USAGE` for a malformed pattern. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map(parsePattern).filter((pattern) => pattern !== undefined);
  }

  /** Whether nothing is ever left out. */
  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** Whether something below an excluded directory may be kept all the same. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ keeps }) => keeps);
  }

  /** Whether the path, relative to what is copied, is left out. */
  excludes(path: ByteString): boolean {
    if (this.#patterns.length === 0) return false;
    const text = textOfBytes(path);
    const prefixes = [...text.matchAll(/\//g)].map(({ index }) => text.slice(0, index)).concat(text);
    let isExcluded = false;
    for (const { keeps, matches } of this.#patterns) {
      if (isExcluded === keeps && prefixes.some(matches)) isExcluded = !keeps;
    }
    return isExcluded;
  }
}

function parsePattern(text: string): ExcludePattern | undefined {
  const trimmed = text.trim();
  const keeps = trimmed.startsWith("!");
  const components = (keeps ? trimmed.slice(1).trim() : trimmed)
    .split("/")
    .filter((component) => component !== "" && component !== ".");
  if (components.length === 0) return undefined;
  if (!components.some(hasWildcards)) {
    const literal = components.join("/");
    return { keeps, matches: (path) => path === literal };
  }
  let source = "^";
  for (const [i, component] of components.entries()) {
    const isLast = i === components.length - 1;
    if (component === "**") source += isLast ? ".*" : "(?:.*/)?";
    else {
      const parts = component.split("**").map(goPatternSource).join(".*");
      source += isLast ? parts : `${parts}/`;
    }
  }
  const expression = new RegExp(`${source}$`, "su");
  return { keeps, matches: (path) => expression.test(path) };
}
