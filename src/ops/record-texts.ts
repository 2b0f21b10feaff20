import { isJsonObject } from "../model/json.ts";
import type { Text, TextParts, TextTemplate, VariableModifier, VariablePart } from "../plan/text.ts";
import { type ReadValue, readList, readText, recordInvalid } from "./record-values.ts";

/** Text that has a meaning, or a template that gets one once the base is known. */
export function readTextOr<T>(read: ReadValue<T>): ReadValue<T | TextTemplate> {
  return (value, what) => {
    if (!isJsonObject(value)) return read(value, what);
    const { parts, ...more } = value;
    if (Object.keys(more).length > 0) throw recordInvalid(`${what} is neither a text nor a template`);
    return { parts: readParts(parts, what), where: what };
  };
}

/** Any text. */
export const readAnyText: ReadValue<Text> = readTextOr(readText);

function readParts(value: unknown, what: string): TextParts {
  return readList<string | VariablePart>((part, place) =>
    typeof part === "string" ? part : readVariable(part, place),
  )(value, what);
}

function readVariable(value: unknown, what: string): VariablePart {
  if (!isJsonObject(value)) throw recordInvalid(`${what} is neither a text nor a variable`);
  const { variable: name, value: set, modifier, ...more } = value;
  const variable = readText(name, `${what}: variable`);
  if (!/^(?:[0-9]+|[\p{L}_][\p{L}\p{Nd}_]*|[@*#?$!-])$/u.test(variable) || Object.keys(more).length > 0) {
    throw recordInvalid(`${what} is not a variable`);
  }
  return {
    variable,
    ...(set !== undefined && { value: readParts(set, what) }),
    ...(modifier !== undefined && { modifier: readModifier(modifier, `${what}: modifier`) }),
  };
}

function readModifier(value: unknown, what: string): VariableModifier {
  if (!isJsonObject(value)) throw recordInvalid(`${what} is not an object`);
  const { operator, word, pattern, replacement, ...more } = value;
  if (Object.keys(more).length > 0) throw recordInvalid(`${what} has what is not known`);
  switch (operator) {
    case ":-":
    case "-":
    case ":+":
    case "+":
    case ":?":
    case "?":
      return { operator, word: readParts(word, what) };
    case "#":
    case "##":
    case "%":
    case "%%":
      return { operator, pattern: readParts(pattern, what) };
    case "/":
    case "//":
      return { operator, pattern: readParts(pattern, what), replacement: readParts(replacement, what) };
    default:
      throw recordInvalid(`${what}: the operator is not known`);
  }
}
