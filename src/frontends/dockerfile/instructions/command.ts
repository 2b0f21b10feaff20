import { isStringList } from "../../../model/json.ts";
import type { SourceText } from "../source-text.ts";

/** What is run: words as they are, or a line for a shell. Variables are not put in: the shell does that. */
export type CommandForm =
  | { readonly form: "exec"; readonly words: readonly string[] }
  | { readonly form: "shell"; readonly line: string };

/**
 * Reads a command: a JSON list of texts, or else a line for a shell.
 *
 * @throws ComposeImageError `USAGE` for a list with something else in it.
 */
export function readCommand(source: SourceText): CommandForm {
  const words = readJsonList(source);
  return words === undefined
    ? { form: "shell", line: source.text }
    : { form: "exec", words: words.map(({ text }) => text) };
}

/**
 * Reads a JSON list of texts, each with its place; `undefined` for what is no JSON list, which Docker takes for another
 * form.
 *
 * @throws ComposeImageError `USAGE` for a list with something else in it.
 */
export function readJsonList(source: SourceText): SourceText[] | undefined {
  if (!source.text.startsWith("[")) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(source.text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  if (!isStringList(parsed)) {
    throw source.fault(
      "the JSON list holds something other than texts",
      'Put each item in double quotes: ["a","1"].',
    );
  }
  const items = [...source.text.matchAll(/"(?:[^"\\]|\\.)*"/g)];
  return parsed.map((item, i) => {
    const start = items[i]?.index ?? 0;
    return source.slice(start, start + (items[i]?.[0].length ?? 0)).replaced(item);
  });
}
