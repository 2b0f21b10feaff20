import { isTemplate, type Text, type TextParts, type VariablePart } from "../../plan/text.ts";

/** A text as it has to be written for variables to be put in as it says, and for none else. */
export function formatText(text: Text): string {
  return formatParts(isTemplate(text) ? text.parts : [text], "");
}

/** @param closing characters that would end the text where it stands; they are written after a dollar sign. */
function formatParts(parts: TextParts, closing: string): string {
  return parts
    .map((part) => (typeof part === "string" ? escaped(part, closing) : formatVariable(part)))
    .join("");
}

function escaped(text: string, closing: string): string {
  return [...text].map((each) => (each === "$" || closing.includes(each) ? `$${each}` : each)).join("");
}

function formatVariable({ variable, value, modifier }: VariablePart): string {
  const set = value === undefined ? "" : `={${formatParts(value, "}")}}`;
  if (modifier === undefined) return `\${base:${variable}${set}}`;
  if ("word" in modifier) {
    return `\${base:${variable}${set}${modifier.operator}${formatParts(modifier.word, "}")}}`;
  }
  const { operator } = modifier;
  if (!("replacement" in modifier)) {
    return `\${base:${variable}${set}${operator}${formatParts(modifier.pattern, "}#%")}}`;
  }
  const pattern = formatParts(modifier.pattern, "/}");
  return `\${base:${variable}${set}${operator}${pattern}/${formatParts(modifier.replacement, "}")}}`;
}
