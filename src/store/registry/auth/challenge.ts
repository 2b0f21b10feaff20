/** One way in that a registry offers. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads `WWW-Authenticate`: any number of header lines, each with any number of challenges. What makes no sense is
 * skipped.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(lines: readonly string[]): Challenge[] {
  return lines.flatMap(parseLine);
}

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const separators = /[\s,]*/y;
/** A parameter's `=` and value, the value quoted or not. */
const assignment = /[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[\s\S])*)"?|([^\s",]*))/y;
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y;

function parseLine(line: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < line.length) {
    take(separators);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) {
      at += 1;
      continue;
    }
    const current = challenges.at(-1);
    const value = current === undefined ? null : take(assignment);
    if (current !== undefined && value !== null) {
      const text = value[1]?.replace(/\\([\s\S])/g, "$1") ?? value[2] ?? "";
      if (!current.parameters.has(name)) current.parameters.set(name, text);
    } else {
      challenges.push({ scheme: name, parameters: new Map() });
      take(token68);
    }
  }
  return challenges;
}
