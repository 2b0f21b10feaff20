import { type ByteString, textOfBytes } from "../tar/byte-string.ts";
import { goPatternSource, hasWildcards } from "./go-match.ts";

interface ExcludePattern {
  readonly keeps: boolean;
  readonly matches: (path: string) => boolean;
  /** The directories it begins with that have no wildcards, ending in a slash; empty where the first has some. */
  readonly prefix: string;
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

  /** Whether an exception may be about something below a directory. */
  mayKeepBelow(directory: ByteString): boolean {
    if (!this.hasExceptions) return false;
    const below = `${textOfBytes(directory)}/`;
    return this.#patterns.some(
      ({ keeps, prefix }) => keeps && (below.startsWith(prefix) || prefix.startsWith(below)),
    );
  }
}

function parsePattern(text: string): ExcludePattern | undefined {
  const trimmed = text.trim();
  const keeps = trimmed.startsWith("!");
  const components = cleaned(keeps ? trimmed.slice(1).trim() : trimmed);
  if (components.length === 0) return undefined;
  const firstWild = components.findIndex(hasWildcards);
  const literal = (firstWild < 0 ? components.slice(0, -1) : components.slice(0, firstWild)).join("/");
  const prefix = literal === "" ? "" : `${literal}/`;
  const whole = components.join("/");
  if (firstWild < 0) return { keeps, prefix, matches: (path) => path === whole };
  const expression = new RegExp(`^${patternSource(whole)}$`, "su");
  return { keeps, prefix, matches: (path) => expression.test(path) };
}

/** As `filepath.Clean` does it, and without a slash at the beginning. */
function cleaned(pattern: string): string[] {
  const components: string[] = [];
  for (const component of pattern.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === ".." && components.length > 0 && components.at(-1) !== "..") components.pop();
    else if (component !== ".." || !pattern.startsWith("/")) components.push(component);
  }
  return components;
}

/**
 * The regular expression for a pattern with wildcards: `**` is any number of directories with their slashes, at the end
 * all that is left, and at the beginning of an ending without wildcards any text.
 */
function patternSource(pattern: string): string {
  const [first = "", ...more] = pattern
    .split("**")
    .map((part, i) => (i > 0 ? part.replace(/^\//, "") : part));
  const ending = pattern.slice(2);
  if (pattern.startsWith("**") && ending !== "" && !ending.startsWith("/") && !hasWildcards(ending))
    return `.*${partSource(ending)}`;
  return more.reduce((source, part, i) => {
    const isLast = i === more.length - 1;
    if (part === "" && !isLast) return source;
    return `${source}${isLast && part === "" ? ".*" : "(?:.*/)?"}${partSource(part)}`;
  }, partSource(first));
}

function partSource(part: string): string {
  return part.split("/").map(goPatternSource).join("/");
}
