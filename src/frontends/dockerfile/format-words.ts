import { isTemplate, type Text, type TextParts, type VariablePart } from "../../plan/text.ts";

/** A word that a Dockerfile takes as it is, wherever it stands. */
const plain = /^[A-Za-z0-9_./:@%+,-]+$/;

/** The build argument that stands for a line break, which no quoting brings into a word. */
export const lineBreakArgument = "COMPOSE_LINE_BREAK";
const equalsArgument = "COMPOSE_EQUALS";

/**
 * Writes texts as words of one stage. What words alone cannot say becomes an `ARG` of the stage: variables that the plan
 * has set before, and an equals sign in a key. A line break has to come from outside, by `--build-arg`.
 */
export class WordWriter {
  readonly #addLine: (line: string) => void;
  readonly #declared = new Set<string>();
  #values = 0;
  #hasLineBreak = false;

  /** @param addLine takes an `ARG` that must come before the words that were asked for. */
  constructor(addLine: (line: string) => void) {
    this.#addLine = addLine;
  }

  /** Whether a line break was written, as the build argument {@link lineBreakArgument}. */
  get hasLineBreak(): boolean {
    return this.#hasLineBreak;
  }

  /** As it is where that will do, else in quotes. */
  word(text: Text): string {
    return typeof text === "string" && plain.test(text) ? text : this.quoted(text);
  }

  /** Between double quotes. */
  quoted(text: Text): string {
    return `"${this.#parts(partsOf(text), inQuotes)}"`;
  }

  /** The key of an environment variable or label, before its equals sign. */
  key(name: string): string {
    if (!name.includes("=")) return this.word(name);
    this.#declare(`${equalsArgument}="="`);
    return `"${name
      .split("=")
      .map((piece) => this.#parts([piece], inQuotes))
      .join(`\${${equalsArgument}}`)}"`;
  }

  /** Without quotes, so that spaces in the variables' values part words. */
  bare(text: Text): string {
    return this.#parts(partsOf(text), bare);
  }

  /** A word of a JSON list, which is read as a word once it has been taken out of the list. */
  listed(text: Text): string {
    return JSON.stringify(typeof text === "string" && !/["'\\$]/.test(text) ? text : this.quoted(text));
  }

  /** A flag, its value read as a word once the flag's own quotes and escapes are resolved. */
  flag(name: string, text: Text): string {
    return `--${name}=${this.word(text).replace(/["'\\\s]/g, (character) => `\\${character}`)}`;
  }

  #parts(parts: TextParts, escaped: (text: string) => string): string {
    return parts
      .map((part) => {
        if (typeof part !== "string") return this.#variable(part);
        const lines = part.split("\n");
        if (lines.length > 1) {
          this.#hasLineBreak = true;
          this.#declare(lineBreakArgument);
        }
        return lines.map(escaped).join(`\${${lineBreakArgument}:?}`);
      })
      .join("");
  }

  #variable({ variable, value, modifier }: VariablePart): string {
    const name = value === undefined ? variable : this.#valueArgument(value);
    if (modifier === undefined) return `\${${name}}`;
    if ("word" in modifier) return `\${${name}${modifier.operator}${this.#parts(modifier.word, nested)}}`;
    const pattern = this.#parts(modifier.pattern, inPattern);
    const replacement = "replacement" in modifier ? `/${this.#parts(modifier.replacement, inPattern)}` : "";
    return `\${${name}${modifier.operator}${pattern}${replacement}}`;
  }

  #valueArgument(value: TextParts): string {
    const quoted = this.quoted({ parts: value, where: "" });
    this.#values += 1;
    const name = `COMPOSE_VALUE_${this.#values}`;
    this.#declare(`${name}=${quoted}`);
    return name;
  }

  #declare(argument: string): void {
    if (this.#declared.has(argument)) return;
    this.#declared.add(argument);
    this.#addLine(`ARG ${argument}`);
  }
}

function partsOf(text: Text): TextParts {
  return isTemplate(text) ? text.parts : [text];
}

function inQuotes(text: string): string {
  return text.replace(/["\\$]/g, "\\$&");
}

function bare(text: string): string {
  return text.replace(/["'\\$\s]/g, "\\$&");
}

/** In a variable's braces quotes begin anew, and a brace ends. */
function nested(text: string): string {
  return text.replace(/["'\\$}]/g, "\\$&");
}

/** In patterns a backslash stays, and belongs to what follows it. */
function inPattern(text: string): string {
  return text.replace(/\\.?|["'$}/]/gsu, (found) => (found.startsWith("\\") ? found : `\\${found}`));
}
