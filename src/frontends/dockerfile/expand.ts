import { textOf } from "../../plan/expand-text.ts";
import { isTemplate, maxNesting, type Text, type TextParts, type VariableModifier } from "../../plan/text.ts";
import type { SourceText } from "./source-text.ts";

/** What variables stand for. */
export interface Scope {
  /** The value; `undefined` where only the base's environment may have one. */
  lookUp(name: string): Text | undefined;
}

/** Longest text that variables may make, in characters: a few lines that double each other would fill any memory. */
const maxLength = 1024 * 1024;

/**
 * Puts variables into a word and takes its quotes and escapes away, as Docker does: nothing is special between single
 * quotes; between double quotes an escape character counts before `"`, `$` and itself.
 *
 * @throws ComposeImageError `USAGE` with line and column for quotes and variables that are not closed, patterns that make
 *   no sense, and variables that are required and not set.
 * @see https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
export function expand(source: SourceText, scope: Scope, escapeCharacter: string): Text {
  const parts = new Expansion(source, scope, escapeCharacter).word();
  if (lengthOf(parts) > maxLength) {
    throw source.fault(
      "its variables make it longer than a MiB",
      "Look for variables that hold each other twice.",
    );
  }
  return textOf(parts, source.at());
}

function partsOf(text: Text): TextParts {
  return isTemplate(text) ? text.parts : [text];
}

function lengthOf(parts: TextParts): number {
  return parts.reduce(
    (sum, part) => sum + (typeof part === "string" ? part.length : 1 + lengthOf(part.value ?? [])),
    0,
  );
}

/** Variables that a shell has and a Dockerfile has not: they are never set. */
const special = "@*#?-$!";

class Expansion {
  readonly #source: SourceText;
  readonly #scope: Scope;
  readonly #escapeCharacter: string;
  #i = 0;
  /** How many variables' braces are open. */
  #depth = 0;

  constructor(source: SourceText, scope: Scope, escapeCharacter: string) {
    this.#source = source;
    this.#scope = scope;
    this.#escapeCharacter = escapeCharacter;
  }

  word(): TextParts {
    return this.#until("", false, 0);
  }

  /** Everything before an end, which is taken too. Raw escapes stay, for a pattern to be read from them. */
  #until(end: string, isRaw: boolean, start: number): TextParts {
    const parts: TextParts[] = [];
    while (!this.#isOver) {
      const character = this.#character;
      if (character === end) {
        this.#i += 1;
        return parts.flat();
      }
      if (character === "'") parts.push([this.#singleQuoted()]);
      else if (character === '"') parts.push(this.#doubleQuoted());
      else if (character === "$") parts.push(this.#variable());
      else {
        this.#i += character.length;
        const isEscape = character === this.#escapeCharacter;
        if (!isEscape || isRaw) parts.push([character]);
        if (isEscape && !this.#isOver) parts.push([this.#take()]);
      }
    }
    if (end !== "") throw this.#notClosed(start, end);
    return parts.flat();
  }

  #singleQuoted(): string {
    const start = this.#i;
    const end = this.#source.text.indexOf("'", start + 1);
    if (end < 0) throw this.#openQuote("single", start);
    this.#i = end + 1;
    return this.#source.text.slice(start + 1, end);
  }

  #doubleQuoted(): TextParts {
    const start = this.#i;
    this.#i += 1;
    const parts: TextParts[] = [];
    while (!this.#isOver) {
      if (this.#character === "$") {
        parts.push(this.#variable());
        continue;
      }
      const character = this.#take();
      if (character === '"') return parts.flat();
      const isEscape = character === this.#escapeCharacter && !this.#isOver;
      const takesNext = isEscape && ['"', "$", this.#escapeCharacter].includes(this.#character);
      parts.push([takesNext ? this.#take() : character]);
    }
    throw this.#openQuote("double", start);
  }

  #variable(): TextParts {
    const start = this.#i;
    this.#i += 1;
    if (this.#isOver || this.#character !== "{") {
      const name = this.#name();
      return name === "" ? ["$"] : this.#valueOf(name, undefined);
    }
    this.#i += 1;
    this.#depth += 1;
    if (this.#depth > maxNesting) {
      throw this.#source.fault(
        "variables are within each other too deeply",
        `Write the text out; the limit is ${maxNesting}.`,
        start,
      );
    }
    const name = this.#name();
    if (this.#isOver) throw this.#notClosed(start, "}");
    if (name === "") {
      throw this.#source.fault(
        "${ is not followed by a variable's name",
        "Write ${NAME}, and for a dollar sign the escape character before it.",
        start,
      );
    }
    const modifier = this.#modifier(start);
    this.#depth -= 1;
    return this.#valueOf(name, modifier);
  }

  /** What follows a name in braces, to their end. */
  #modifier(start: number): VariableModifier | undefined {
    const rest = this.#source.text.slice(this.#i);
    if (rest.startsWith("}")) {
      this.#i += 1;
      return undefined;
    }
    const operator = modifiers.find((each) => rest.startsWith(each));
    if (operator === undefined) {
      const text = this.#source.text.slice(start, this.#i + 1);
      throw this.#source.fault(
        `${text} is no way to use a variable`,
        "After the name there is } or one of :- - :+ + :? ? # ## % %% / //.",
        start,
      );
    }
    this.#i += operator.length;
    switch (operator) {
      case "/":
      case "//": {
        const pattern = this.#until("/", true, start);
        return { operator, pattern, replacement: this.#until("}", true, start) };
      }
      case "#":
      case "##":
      case "%":
      case "%%":
        return { operator, pattern: this.#until("}", true, start) };
      default:
        return { operator, word: this.#until("}", false, start) };
    }
  }

  #valueOf(name: string, modifier: VariableModifier | undefined): TextParts {
    const isSpecial = !/^[\p{L}_]/u.test(name);
    if (isSpecial && modifier === undefined) return [];
    const value = isSpecial ? undefined : this.#scope.lookUp(name);
    const chosen = typeof value === "string" ? chosenByValue(value, modifier) : undefined;
    if (chosen !== undefined) return chosen;
    return [
      {
        variable: name,
        ...(value !== undefined && { value: partsOf(value) }),
        ...(modifier !== undefined && { modifier }),
      },
    ];
  }

  #name(): string {
    const rest = this.#source.text.slice(this.#i);
    const name = /^(?:[0-9]+|[\p{L}_][\p{L}\p{Nd}_]*)/u.exec(rest)?.[0];
    const first = rest.charAt(0);
    const taken = name ?? (first !== "" && special.includes(first) ? first : "");
    this.#i += taken.length;
    return taken;
  }

  get #character(): string {
    return String.fromCodePoint(this.#source.text.codePointAt(this.#i) ?? 0);
  }

  get #isOver(): boolean {
    return this.#i >= this.#source.text.length;
  }

  #take(): string {
    const character = this.#character;
    this.#i += character.length;
    return character;
  }

  #notClosed(start: number, end: string): Error {
    return this.#source.fault("${ is not closed", `Write ${end} where it ends.`, start);
  }

  #openQuote(which: "single" | "double", start: number): Error {
    return this.#source.fault(
      `the ${which} quote is not closed`,
      "Close it, or put the escape character before it; paths with spaces are written as JSON.",
      start,
    );
  }
}

/** What a known value decides, so that the value itself goes no further; `undefined` where it does not. */
function chosenByValue(value: string, modifier: VariableModifier | undefined): TextParts | undefined {
  if (modifier === undefined) return [value];
  if (!("word" in modifier)) return undefined;
  const { operator, word } = modifier;
  const isMissing = operator.startsWith(":") && value === "";
  if (operator.endsWith("+")) return isMissing ? [] : word;
  if (!isMissing) return [value];
  return operator === ":-" ? word : undefined;
}

/** Longer ones first. */
const modifiers = [":-", ":+", ":?", "-", "+", "?", "##", "#", "%%", "%", "//", "/"] as const;
