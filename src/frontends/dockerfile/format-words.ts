import { isTemplate, type Text, type TextParts, type VariablePart } from "../../plan/text.ts";

/** A word that a Dockerfile takes as it is, wherever it stands. */
const plain = /^[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+,-]*$/;

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

  /** Plain text as it is, other text in quotes, variables outside of them. */
  word(text: Text): string {
    return text === "" ? quotes : this.#parts(partsOf(text), false);
  }

  /** In quotes, plain or not, unless there are variables in it. */
  quoted(text: Text): string {
    return text === "" ? quotes : this.#parts(partsOf(text), true);
  }

  /** The key of an environment variable or label, before its equals sign. */
  key(name: string): string {
    if (!name.includes("=")) return this.word(name);
    this.#declare(`${equalsArgument}="="`);
    return name
      .split("=")
      .map((piece) => (piece === "" ? "" : this.word(piece)))
      .join(`\${${equalsArgument}}`);
  }

  /** A word of a JSON list, which is read as a word once it has been taken out of the list. */
  listed(text: Text): string {
    return JSON.stringify(typeof text === "string" && !/["'\\$]/.test(text) ? text : this.word(text));
  }

  /** A flag, its value read as a word once the flag's own quotes and escapes are resolved. */
  flag(name: string, text: Text): string {
    return `--${name}=${this.word(text).replace(/["'\\\s]/g, (character) => `\\${character}`)}`;
  }

  #parts(parts: TextParts, isQuoted: boolean): string {
    return parts
      .map((part) => {
        if (typeof part !== "string") return this.#variable(part);
        const lines = part.split("\n");
        if (lines.length > 1) {
          this.#hasLineBreak = true;
          this.#declare(lineBreakArgument);
        }
        return lines
          .map((line) => (line === "" ? "" : isQuoted || !plain.test(line) ? quote(line) : line))
          .join(`\${${lineBreakArgument}:?}`);
      })
      .join("");
  }

  /** In braces quotes begin anew: each text in them has its own. */
  #variable({ variable, value, modifier }: VariablePart): string {
    const name = value === undefined ? variable : this.#valueArgument(value);
    if (modifier === undefined) return `\${${name}}`;
    if ("word" in modifier) return `\${${name}${modifier.operator}${this.#parts(modifier.word, true)}}`;
    const replacement = "replacement" in modifier ? `/${this.#parts(modifier.replacement, true)}` : "";
    return `\${${name}${modifier.operator}${this.#parts(modifier.pattern, true)}${replacement}}`;
  }

  #valueArgument(value: TextParts): string {
    const text = this.#parts(value, true);
    this.#values += 1;
    const name = `COMPOSE_VALUE_${this.#values}`;
    this.#declare(`${name}=${text === "" ? quotes : text}`);
    return name;
  }

  #declare(argument: string): void {
    if (this.#declared.has(argument)) return;
    this.#declared.add(argument);
    this.#addLine(`ARG ${argument}`);
  }
}

const quotes = '""';

function quote(text: string): string {
  return `"${text.replace(/["\\$]/g, "\\$&")}"`;
}

function partsOf(text: Text): TextParts {
  return isTemplate(text) ? text.parts : [text];
}
