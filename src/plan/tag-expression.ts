import { ComposeImageError } from "../model/errors.ts";
import { type Expression, ExpressionProgram } from "./expression-program.ts";

/** What tags are made of. */
export const tagCharacters: ReadonlySet<string> = new Set(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-",
);

/** Longest expression, in characters. */
const maxLength = 1000;

/** Most repetitions that a count may ask for: more than a tag has characters. */
const maxCount = 1000;

/**
 * Reads a regular expression for whole tags: what Go's `regexp` and JavaScript have in common. It is matched in linear
 * time, for which lookaround and back-references are left out.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE` for what is none, and for one with characters that no tag has.
 */
export function parseTagExpression(text: string, what: string): ExpressionProgram {
  const fault = (why: string, hint: string): ComposeImageError =>
    new ComposeImageError(
      "USAGE",
      `${what} ${JSON.stringify(text.slice(0, 200))} is no regular expression for tags: ${why}`,
      { hint },
    );
  if (text.length > maxLength) throw fault("it is too long", `The limit is ${maxLength} characters.`);
  const expression = new ExpressionReader(text, fault).read();
  try {
    return new ExpressionProgram(expression);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw fault(
      "its repetitions make it too large",
      "A tag has at most 128 characters; write smaller counts.",
    );
  }
}

type Fault = (why: string, hint: string) => ComposeImageError;

class ExpressionReader {
  readonly #text: string;
  readonly #fault: Fault;
  #at = 0;

  constructor(text: string, fault: Fault) {
    this.#text = text;
    this.#fault = fault;
  }

  read(): Expression {
    const expression = this.#choices();
    if (this.#at === this.#text.length) return expression;
    throw this.#fault("it has a ) without its (", "Close what is opened, or write \\ before it.");
  }

  #choices(): Expression {
    const choices = [this.#sequence()];
    while (this.#take(/\|/y) !== undefined) choices.push(this.#sequence());
    return { kind: "any", choices };
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    while (this.#at < this.#text.length && !/[|)]/.test(this.#text.charAt(this.#at))) {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: "all", parts };
  }

  #repeated(part: Expression): Expression {
    const found = this.#take(/([*+?])\??|\{([0-9]{1,4})(,?)([0-9]{0,4})\}\??/y);
    if (found === undefined) return part;
    const [, sign, from = "", comma = "", to = ""] = found;
    const least = sign === undefined ? Number(from) : sign === "+" ? 1 : 0;
    const most = sign === "?" ? 1 : sign !== undefined || to === "" ? Number.POSITIVE_INFINITY : Number(to);
    const end = sign === undefined && comma === "" ? least : most;
    if (Math.max(least, end === Number.POSITIVE_INFINITY ? 0 : end) > maxCount || least > end) {
      throw this.#fault(`it has ${found[0]}`, `Write {LEAST,MOST}, neither larger than ${maxCount}.`);
    }
    return { kind: "repeat", part, least, most: end };
  }

  #atom(): Expression {
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith("(")) return this.#group();
    if (rest.startsWith("[")) return this.#class();
    if (this.#take(/\^/y) !== undefined) return { kind: "start" };
    if (this.#take(/\$/y) !== undefined) return { kind: "end" };
    if (this.#take(/\./y) !== undefined) return { kind: "one", of: tagCharacters };
    const shorthand = this.#take(/\\([dDwWsS])/y);
    if (shorthand !== undefined) return this.#oneOf(shorthand[0]);
    const [, letter] = /^(?:\\(.?)|[*+?{}\]])/s.exec(rest) ?? [];
    if (letter !== undefined && !/^[^A-Za-z0-9]$/.test(letter)) {
      throw this.#fault(`it has \\${letter}`, "\\d, \\w and \\s are known, and \\ before what is no letter.");
    }
    const sign = letter ?? this.#take(/[^*+?{}\]\\]/uy)?.[0];
    if (sign === undefined) {
      throw this.#fault(
        `${rest.charAt(0)} stands where it has no meaning`,
        "Write \\ before it if it is itself meant.",
      );
    }
    if (letter !== undefined) this.#at += 2;
    if (!tagCharacters.has(sign)) {
      throw this.#fault(`no tag has ${JSON.stringify(sign)}`, "A tag has letters, digits, _ . and -.");
    }
    return { kind: "one", of: new Set(sign) };
  }

  #group(): Expression {
    const opening = this.#take(/\((?:\?:|\?P?<[A-Za-z_][A-Za-z0-9_]*>)?(?!\?)/y);
    if (opening === undefined) {
      throw this.#fault(
        `it has ${this.#text.slice(this.#at, this.#at + 3)}`,
        "Lookaround and flags are not known here; exclude: leaves out what another expression matches.",
      );
    }
    const inner = this.#choices();
    if (this.#take(/\)/y) !== undefined) return inner;
    throw this.#fault("it has a ( without its )", "Close what is opened, or write \\ before it.");
  }

  #class(): Expression {
    const found = this.#take(/\[\^?(?![\]^])(?:[^\\\][]|\\[dDwWsS]|\\[^A-Za-z0-9])+\]/uy);
    if (found !== undefined) return this.#oneOf(found[0]);
    throw this.#fault(
      "a class of characters is malformed",
      "Write for example [a-z0-9] or [^.]; inside, [ and ] need a \\, and names such as [:digit:] are not known.",
    );
  }

  /** What of the tags' characters a class or escape of JavaScript's matches. */
  #oneOf(source: string): Expression {
    const plain = source.replaceAll(/\\(.)/gs, (escaped, sign) =>
      /[A-Za-z0-9\\\]^[-]/.test(sign) ? escaped : sign,
    );
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^${plain}$`, "u");
    } catch {
      throw this.#fault(`${source} is malformed`, "Write for example [a-z0-9] or [^.].");
    }
    return { kind: "one", of: new Set([...tagCharacters].filter((character) => pattern.test(character))) };
  }

  /** What is next, if it matches; gone past then. */
  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }
}
