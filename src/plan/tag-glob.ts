import { ComposeImageError } from "../model/errors.ts";
import { findMatch, parseShellPattern, type ShellPattern } from "./shell-pattern.ts";
import { tagCharacters } from "./tag-expression.ts";

/** Whether a word is a pattern: no tag has these. */
export function isTagGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * Reads a pattern for whole tags: `*` is any number of characters, `?` is one.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE` for one with characters that no tag has.
 */
export function parseTagGlob(text: string, what: string): ShellPattern {
  const pattern = parseShellPattern(text, what);
  for (const step of pattern.steps) {
    if (typeof step !== "object" || tagCharacters.has(step.character)) continue;
    throw new ComposeImageError(
      "USAGE",
      `${what} ${JSON.stringify(text)} matches nothing: no tag has ${JSON.stringify(step.character)}`,
      { hint: "Known are * and ?; write regex: for classes and choices such as [0-9] or (a|b)." },
    );
  }
  return pattern;
}

/** Whether a whole tag matches. */
export function matchesGlob(pattern: ShellPattern, tag: string): boolean {
  const match = findMatch(pattern, [...tag], 0, { anchored: true, shortest: false });
  return match?.end === tag.length;
}
