/**
 * Text of a plan: plain, or one that refers to the environment of its stage's base, which is known only once that is
 * resolved.
 */
export type Text = string | TextTemplate;

/** Text that refers to variables. */
export interface TextTemplate {
  readonly parts: TextParts;
  /** Where it was written, for messages: `Dockerfile:3:7`. */
  readonly where: string;
}

/** Most references within each other: more come of no hand, and would exhaust the stack. */
export const maxNesting = 100;

/** Pieces of text, put after each other. */
export type TextParts = readonly (string | VariablePart)[];

/** A variable, as a Dockerfile's words refer to it: `$NAME`, or `${NAME…}` with a modifier. */
export interface VariablePart {
  readonly variable: string;
  /** What the same file has set it to before; absent where it is the base's variable. */
  readonly value?: TextParts;
  readonly modifier?: VariableModifier;
}

/**
 * What is made of a variable's value.
 *
 * @see https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
export type VariableModifier =
  /** Another word, or an error. A colon takes an empty value for none. */
  | { readonly operator: ":-" | "-" | ":+" | "+" | ":?" | "?"; readonly word: TextParts }
  /** What matches at the beginning or the end is left out: the shortest, or with the sign doubled the longest match. */
  | { readonly operator: "#" | "##" | "%" | "%%"; readonly pattern: TextParts }
  /** The first match, or with the slash doubled every one, is replaced. */
  | { readonly operator: "/" | "//"; readonly pattern: TextParts; readonly replacement: TextParts };

/** Whether the text refers to variables; what else is in a union with templates does not. */
export function isTemplate<T>(text: T | TextTemplate): text is TextTemplate {
  return typeof text === "object" && text !== null && "parts" in text && Array.isArray(text.parts);
}
