import { ComposeImageError } from "../model/errors.ts";

/** What one step of a pattern takes: a character, any but a line break, or any number of these. */
type Step = { readonly character: string } | "any" | "many";

/** A pattern as a variable's modifiers have it: `*` and `?` match within a line, a backslash takes their meaning away. */
export interface ShellPattern {
  readonly steps: readonly Step[];
}

/** A part of a text; positions in characters. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a pattern.
 *
 * @param where the place, for messages.
 * @throws ComposeImageError `USAGE` for a backslash before any but `*`, `?`, `/`, `}` and a backslash.
 */
export function parseShellPattern(text: string, where: string): ShellPattern {
  const characters = [...text];
  const steps: Step[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? "";
    if (character === "*") steps.push("many");
    else if (character === "?") steps.push("any");
    else if (character !== "\\") steps.push({ character });
    else {
      i += 1;
      const escaped = characters[i] ?? "";
      if (!/^[*?/}\\]$/.test(escaped)) {
        throw new ComposeImageError(
          "USAGE",
          `${where}: the pattern ${JSON.stringify(text)} has a backslash before ${escaped === "" ? "its end" : JSON.stringify(escaped)}`,
          { hint: "A backslash goes before *, ?, / and }, and before another one." },
        );
      }
      steps.push({ character: escaped });
    }
  }
  return { steps };
}

/** The pattern that matches the same text read backwards. */
export function reversedPattern({ steps }: ShellPattern): ShellPattern {
  return { steps: steps.toReversed() };
}

/**
 * The first match in a text, in time that grows with the text's length times the pattern's.
 *
 * @param from where to begin.
 * @param options `anchored`: only at the beginning; `shortest`: the shortest of those that begin there, not the longest.
 */
export function findMatch(
  { steps }: ShellPattern,
  text: readonly string[],
  from: number,
  options: { readonly anchored: boolean; readonly shortest: boolean },
): Match | undefined {
  let best: Match | undefined;
  /** By how many steps are done: where the match began. The earliest counts. */
  let begun = new Map<number, number>();
  for (let at = from; at <= text.length; at++) {
    if (best === undefined && (at === from || !options.anchored)) enter(begun, 0, at, steps);
    const start = begun.get(steps.length);
    if (start !== undefined && (best === undefined || start <= best.start)) {
      best = { start, end: at };
      if (options.shortest) return best;
    }
    const next = new Map<number, number>();
    for (const [done, began] of begun) {
      if (best !== undefined && began > best.start) continue;
      const step = steps[done];
      const character = text[at];
      if (step === undefined || character === undefined) continue;
      const takes = typeof step === "object" ? step.character === character : character !== "\n";
      if (takes) enter(next, step === "many" ? done : done + 1, began, steps);
    }
    begun = next;
    if (begun.size === 0 && (best !== undefined || options.anchored)) break;
  }
  return best;
}

/** Notes that steps are done, and with them those that may match nothing. */
function enter(begun: Map<number, number>, done: number, start: number, steps: readonly Step[]): void {
  for (let at = done; ; at++) {
    begun.set(at, Math.min(start, begun.get(at) ?? start));
    if (steps[at] !== "many") return;
  }
}
