import { ComposeImageError } from "../model/errors.ts";

/**
 * Shell patterns by the rules of Go's `path/filepath.Match`, which Dockerfiles go by: `*` and `?` stop at slashes,
 * `[a-z]` and `[^a-z]` are classes, a backslash takes the next character's meaning away. Dotfiles match like others.
 *
 * @see https://pkg.go.dev/path/filepath#Match
 */

/** Whether the text has characters that a pattern gives a meaning to. */
export function hasWildcards(text: string): boolean {
  return /[*?[\\]/.test(text);
}

/**
 * The regular expression, without anchors, of a pattern's part between slashes.
 *
 * @throws ComposeImageError `USAGE` for a class that is not closed or a lone backslash at the end.
 */
export function goPatternSource(pattern: string): string {
  const characters = [...pattern];
  const bad = (what: string): ComposeImageError =>
    new ComposeImageError("USAGE", `malformed pattern ${JSON.stringify(pattern)}: ${what}`, {
      hint: "Put a backslash before a character that is meant literally.",
    });
  let source = "";
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? "";
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") {
      i += 1;
      const literal = characters[i];
      if (literal === undefined) throw bad("it ends in a backslash");
      source += escapeRegExp(literal);
    } else if (character === "[") {
      const parsed = parseClass(characters, i + 1);
      if (parsed === undefined) throw bad("a class is empty or not closed");
      source += parsed.source;
      i = parsed.end;
    } else source += escapeRegExp(character);
  }
  return source;
}

/** A test for whole names (no slashes) against a pattern. */
export function compileGoMatch(pattern: string): (name: string) => boolean {
  const expression = new RegExp(`^${goPatternSource(pattern)}$`, "su");
  return (name) => expression.test(name);
}

function parseClass(
  characters: readonly string[],
  start: number,
): { source: string; end: number } | undefined {
  let i = start;
  const isNegated = characters[i] === "^";
  if (isNegated) i += 1;
  const ranges: string[] = [];
  const take = (): string | undefined => {
    if (characters[i] === "\\") i += 1;
    const character = characters[i];
    i += 1;
    return character;
  };
  while (characters[i] !== "]" || ranges.length === 0) {
    if (i >= characters.length || characters[i] === "]" || characters[i] === "-") return undefined;
    const low = take();
    let high = low;
    if (characters[i] === "-") {
      i += 1;
      if (characters[i] === "]" || characters[i] === "-") return undefined;
      high = take();
    }
    if (low === undefined || high === undefined) return undefined;
    if (codePoint(low) <= codePoint(high))
      ranges.push(`\\u{${codePoint(low).toString(16)}}-\\u{${codePoint(high).toString(16)}}`);
    else ranges.push("");
  }
  const members = ranges.join("");
  if (members === "") return { source: isNegated ? "[^/]" : "[]", end: i };
  return { source: isNegated ? `[^/${members}]` : `(?!/)[${members}]`, end: i };
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** The regular expression that matches the text itself. */
function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/gu, (character) => `\\u{${codePoint(character).toString(16)}}`);
}
