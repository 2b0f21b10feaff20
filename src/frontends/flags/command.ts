import { ComposeImageError } from "../../model/errors.ts";
import { isStringList } from "../../model/json.ts";

/**
 * Reads a command in exec form: a JSON list of strings, or a single word that stands for itself. `[]` is an empty
 * command, which clears the base's.
 *
 * @param flag the flag, for messages.
 * @throws ComposeImageError `USAGE`
 */
export function parseCommand(value: string | readonly string[], flag: string): readonly string[] {
  if (typeof value !== "string") return value;
  if (/^[^\s[\]"]+$/.test(value)) return [value];
  const invalid = (cause?: unknown): ComposeImageError =>
    new ComposeImageError("USAGE", `${flag} ${value} is not a JSON list of strings`, {
      hint: `Write ${flag} '["node","server.js"]', in single quotes for the shell.`,
      cause,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (cause) {
    throw invalid(cause);
  }
  if (!isStringList(parsed)) throw invalid();
  return parsed;
}
