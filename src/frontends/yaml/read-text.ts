import type { ComposeImageError } from "../../model/errors.ts";
import { maxNesting, type TextParts, type VariableModifier, type VariablePart } from "../../plan/text.ts";

const hint = "Write ${NAME} or ${NAME:-TEXT} for a variable, $$ for a dollar sign.";
const baseHint =
  "Write ${base:NAME}, or ${base:NAME:-TEXT} and the other forms of a Dockerfile; inside, $} is a closing brace.";

/** Reads a text with variables, given and the base's; the way back is `formatText`. */
export class TextReader {
  readonly #text: string;
  readonly #expand: (inside: string) => string;
  readonly #fault: (what: string, hint: string) => ComposeImageError;
  #at = 0;
  /** How many references are open. */
  #depth = 0;

  /**
   * @param expand gives the value of what stands between `${` and `}`.
   * @param fault makes the error for a text that makes no sense.
   */
  constructor(
    text: string,
    expand: (inside: string) => string,
    fault: (what: string, hint: string) => ComposeImageError,
  ) {
    this.#text = text;
    this.#expand = expand;
    this.#fault = fault;
  }

  /** @throws what `fault` and `expand` make. */
  read(): TextParts {
    return this.#parts("");
  }

  /** Reads up to the end, or inside a reference up to and with a character. */
  #parts(closing: string): TextParts {
    const parts: (string | VariablePart)[] = [];
    for (;;) {
      const plain = this.#take(closing === "" ? /[^$]*/y : closing === "}" ? /[^$}]*/y : /[^$/}]*/y);
      parts.push(plain);
      if (this.#at === this.#text.length && closing === "") return parts;
      if (closing !== "" && this.#text.startsWith(closing, this.#at)) {
        this.#at += 1;
        return parts;
      }
      if (!this.#text.startsWith("$", this.#at)) throw this.#malformed();
      parts.push(this.#dollar(closing !== ""));
    }
  }

  #dollar(isInside: boolean): string | VariablePart {
    if (this.#take(/\$\$/y) !== "") return "$";
    const escaped = isInside ? this.#take(/\$[}/#%]/y) : "";
    if (escaped !== "") return escaped.slice(1);
    if (this.#take(/\$\{base:(?=[A-Za-z_])/y) !== "") return this.#reference();
    const variable = this.#take(/\$\{[^{}]*\}/y);
    if (variable === "") throw this.#fault("has a lone dollar sign", hint);
    return this.#expand(variable.slice(2, -1));
  }

  #reference(): VariablePart {
    this.#depth += 1;
    if (this.#depth > maxNesting) {
      throw this.#fault(
        "has references within each other too deeply",
        `Write the text out; the limit is ${maxNesting}.`,
      );
    }
    const variable = this.#take(/[A-Za-z_][A-Za-z0-9_]*/y);
    const value = this.#take(/=\{/y) === "" ? undefined : this.#parts("}");
    const modifier = this.#modifier();
    this.#depth -= 1;
    return {
      variable,
      ...(value !== undefined && { value }),
      ...(modifier !== undefined && { modifier }),
    };
  }

  #modifier(): VariableModifier | undefined {
    const operator = this.#take(/:[-+?]|[-+?}]|##?|%%?|\/\/?/y);
    switch (operator) {
      case "}":
        return undefined;
      case ":-":
      case "-":
      case ":+":
      case "+":
      case ":?":
      case "?":
        return { operator, word: this.#parts("}") };
      case "#":
      case "##":
      case "%":
      case "%%":
        return { operator, pattern: this.#parts("}") };
      case "/":
      case "//":
        return { operator, pattern: this.#parts("/"), replacement: this.#parts("}") };
      default:
        throw this.#malformed();
    }
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ""] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #malformed(): ComposeImageError {
    return this.#fault("has a malformed reference to a variable of the base's", baseHint);
  }
}
