import { ComposeImageError } from "../model/errors.ts";
import { findMatch, parseShellPattern, reversedPattern, type ShellPattern } from "./shell-pattern.ts";
import { isTemplate, maxNesting, type Text, type TextParts, type VariablePart } from "./text.ts";

/** Gives the value of a variable of the base's environment; `undefined` where it has none. */
export type BaseVariables = (name: string) => string | undefined;

/** Most characters of a text: a few lines that each double a variable must not fill the memory. */
const maxSize = 1024 * 1024;

/**
 * The text with its variables' values in it. One that is not set is empty, as in a Dockerfile.
 *
 * @throws ComposeImageError with the text's place: `USAGE` for `${NAME:?TEXT}` and patterns that make no sense,
 *   `LIMIT_EXCEEDED` for more than a MiB.
 */
export function expandText(text: Text, lookUp: BaseVariables): string {
  if (!isTemplate(text)) return text;
  const expanded = expandParts(text.parts, lookUp, text.where);
  expectSize(expanded.length, text.where);
  return expanded;
}

/**
 * Makes a text of parts. What does not depend on the base is expanded at once: where nothing does, the text is plain.
 *
 * @param where where it was written, for messages.
 * @throws ComposeImageError as {@link expandText} does, and `USAGE` for more than {@link maxNesting} levels.
 */
export function textOf(parts: TextParts, where: string): Text {
  if (depthOf(parts) > maxNesting) {
    throw new ComposeImageError("USAGE", `${where}: variables are within each other too deeply`, {
      hint: `Write the text out; the limit is ${maxNesting}.`,
    });
  }
  const folded = foldParts(parts, where);
  expectSize(sizeOf(folded), where);
  const [only = "", ...more] = folded;
  return more.length === 0 && typeof only === "string" ? only : { parts: folded, where };
}

function expectSize(size: number, where: string): void {
  if (size <= maxSize) return;
  throw new ComposeImageError("LIMIT_EXCEEDED", `${where}: the text has become ${size} characters long`, {
    hint: `Variables that hold themselves several times grow fast; the limit is ${maxSize}.`,
  });
}

/** The characters that are written; a reference counts as many, since it costs more. */
function sizeOf(parts: TextParts): number {
  return parts.reduce((sum, part) => {
    if (typeof part === "string") return sum + part.length;
    return [part.value ?? [], ...wordsOf(part)].reduce((inner, words) => inner + sizeOf(words), sum + 64);
  }, 0);
}

function depthOf(parts: TextParts): number {
  const depths = parts.map((part) =>
    typeof part === "string" ? 0 : 1 + Math.max(...[part.value ?? [], ...wordsOf(part)].map(depthOf)),
  );
  return depths.reduce((most, depth) => Math.max(most, depth), 0);
}

/** Whether the parts are the same whatever the base's environment is. */
function isIndependent(parts: TextParts): boolean {
  return parts.every(
    (part) =>
      typeof part === "string" ||
      (part.value !== undefined && isIndependent(part.value) && wordsOf(part).every(isIndependent)),
  );
}

function wordsOf({ modifier }: VariablePart): TextParts[] {
  if (modifier === undefined) return [];
  if ("word" in modifier) return [modifier.word];
  return "replacement" in modifier ? [modifier.pattern, modifier.replacement] : [modifier.pattern];
}

/** The parts with what is known put in, and neighbouring plain ones joined. */
function foldParts(parts: TextParts, where: string): TextParts {
  const folded: (string | VariablePart)[] = [];
  for (const part of parts.flatMap((each) => foldPart(each, where))) {
    const last = folded.at(-1);
    if (part === "") continue;
    if (typeof part === "string" && typeof last === "string") folded[folded.length - 1] = last + part;
    else folded.push(part);
  }
  return folded;
}

function foldPart(part: string | VariablePart, where: string): TextParts {
  if (typeof part === "string") return [part];
  if (isIndependent([part])) return [expandPart(part, () => undefined, where)];
  const { variable, value, modifier } = part;
  const fold = (words: TextParts): TextParts => foldParts(words, where);
  if (modifier === undefined) return value === undefined ? [part] : fold(value);
  const subject = { variable, ...(value !== undefined && { value: fold(value) }) };
  if ("word" in modifier) return [{ ...subject, modifier: { ...modifier, word: fold(modifier.word) } }];
  const pattern = fold(modifier.pattern);
  if (!("replacement" in modifier)) return [{ ...subject, modifier: { ...modifier, pattern } }];
  const replacement = fold(modifier.replacement);
  if (modifier.operator === "/" && pattern.length === 0) return fold([...replacement, subject]);
  return [{ ...subject, modifier: { ...modifier, pattern, replacement } }];
}

function expandParts(parts: TextParts, lookUp: BaseVariables, where: string): string {
  return parts.map((part) => (typeof part === "string" ? part : expandPart(part, lookUp, where))).join("");
}

function expandPart(
  { variable, value, modifier }: VariablePart,
  lookUp: BaseVariables,
  where: string,
): string {
  const expand = (parts: TextParts): string => expandParts(parts, lookUp, where);
  const found = value === undefined ? lookUp(variable) : expand(value);
  if (modifier === undefined) return found ?? "";
  const pattern = (parts: TextParts): ShellPattern => parseShellPattern(expand(parts), where);
  const isMissing = found === undefined || (modifier.operator.startsWith(":") && found === "");
  switch (modifier.operator) {
    case ":-":
    case "-":
      return isMissing ? expand(modifier.word) : found;
    case ":+":
    case "+":
      return isMissing ? "" : expand(modifier.word);
    case ":?":
    case "?":
      if (isMissing) throw missingVariable(variable, found, expand(modifier.word), where);
      return found;
    case "#":
    case "##":
      return withoutBeginning(found ?? "", pattern(modifier.pattern), modifier.operator === "#");
    case "%":
    case "%%": {
      const backwards = [...(found ?? "")].reverse().join("");
      const rest = withoutBeginning(
        backwards,
        reversedPattern(pattern(modifier.pattern)),
        modifier.operator === "%",
      );
      return [...rest].reverse().join("");
    }
    case "/":
    case "//":
      return replaced(
        found ?? "",
        pattern(modifier.pattern),
        expand(modifier.replacement),
        modifier.operator === "//",
      );
  }
}

function missingVariable(
  name: string,
  value: string | undefined,
  message: string,
  where: string,
): ComposeImageError {
  const what = value === undefined ? "is not set" : "is empty";
  return new ComposeImageError("USAGE", `${where}: ${name} ${what}${message === "" ? "" : `: ${message}`}`, {
    hint: "The text asks for it by a question mark.",
  });
}

function withoutBeginning(text: string, pattern: ShellPattern, shortest: boolean): string {
  const characters = [...text];
  const match = findMatch(pattern, characters, 0, { anchored: true, shortest });
  return match === undefined ? text : characters.slice(match.end).join("");
}

/** An empty match right after another one is none. */
function replaced(text: string, pattern: ShellPattern, replacement: string, all: boolean): string {
  const characters = [...text];
  let result = "";
  let at = 0;
  let searched = 0;
  let isAfterMatch = false;
  while (searched <= characters.length) {
    const match = findMatch(pattern, characters, searched, { anchored: false, shortest: false });
    if (match === undefined) break;
    const isEmpty = match.start === match.end;
    if (!(isEmpty && isAfterMatch && match.start === at)) {
      result += characters.slice(at, match.start).join("") + replacement;
      at = match.end;
      isAfterMatch = true;
    }
    searched = isEmpty ? match.end + 1 : match.end;
    if (!all) break;
  }
  return result + characters.slice(at).join("");
}
