import { nearestWord } from "../yaml/nearest.ts";
import type { SourceText } from "./source-text.ts";

/** A flag of an instruction: `--NAME=VALUE`, or `--NAME`. */
export interface Flag {
  readonly name: string;
  /** Quotes and escapes resolved; absent without an equals sign. */
  readonly value: SourceText | undefined;
  /** The whole flag. */
  readonly source: SourceText;
}

/** What the value of a flag is: text, a truth value, or one text of several flags. */
export type FlagKind = "text" | "truth" | "texts";

/** An instruction's flags, read. */
export interface FlagValues {
  /** The only value, if there is one. */
  text(name: string): SourceText | undefined;
  /** All values, in their order. */
  texts(name: string): readonly SourceText[];
  /** Whether it is set, and not to `false`. */
  isSet(name: string): boolean;
}

/** Takes the words that begin with `--` off an instruction's arguments; `--` alone ends them. */
export function splitFlags(source: SourceText): {
  readonly flags: readonly Flag[];
  readonly rest: SourceText;
} {
  const { text } = source;
  const flags: Flag[] = [];
  let i = 0;
  for (;;) {
    while (i < text.length && /\s/.test(text.charAt(i))) i += 1;
    if (!text.startsWith("--", i)) return { flags, rest: source.slice(i).trim() };
    const start = i;
    let word = "";
    let quote = "";
    for (; i < text.length; i += 1) {
      const character = text.charAt(i);
      if (character === "\\") {
        i += 1;
        word += text.charAt(i);
      } else if (quote !== "") {
        if (character === quote) quote = "";
        else word += character;
      } else if (/\s/.test(character)) break;
      else if (character === '"' || character === "'") quote = character;
      else word += character;
    }
    if (word === "--") return { flags, rest: source.slice(i).trim() };
    const equals = word.indexOf("=");
    const whole = source.slice(start, i);
    flags.push({
      name: word.slice(2, equals < 0 ? undefined : equals),
      value: equals < 0 ? undefined : whole.slice(equals + 1).replaced(word.slice(equals + 1)),
      source: whole,
    });
  }
}

/**
 * Reads the flags of an instruction.
 *
 * @param keyword the instruction's, for messages.
 * @throws ComposeImageError `USAGE` with line and column for flags it does not have, that come twice, or lack a value.
 */
export function readFlags(
  flags: readonly Flag[],
  keyword: string,
  kinds: Readonly<Record<string, FlagKind>>,
): FlagValues {
  const values = new Map<string, SourceText[]>();
  for (const { name, value, source } of flags) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw unknownFlag(source, name, keyword, Object.keys(kinds));
    const known = values.get(name) ?? [];
    if (known.length > 0 && kind !== "texts") {
      throw source.fault(`--${name} comes twice`, "Keep one of them.");
    }
    if (kind === "truth" ? value?.text === "" : value === undefined) {
      throw source.fault(
        `--${name} has no value`,
        kind === "truth" ? "Write true or false." : `Write --${name}=VALUE.`,
      );
    }
    if (kind === "truth" && value !== undefined && !/^(?:true|false)$/i.test(value.text)) {
      throw source.fault(`--${name} is ${value.text}, and has to be true or false`, "Write true or false.");
    }
    values.set(name, [...known, value ?? source.replaced("true")]);
  }
  const texts = (name: string): readonly SourceText[] => values.get(name) ?? [];
  return {
    text: (name) => texts(name)[0],
    texts,
    isSet: (name) => texts(name)[0]?.text.toLowerCase() === "true",
  };
}

function unknownFlag(source: SourceText, name: string, keyword: string, known: readonly string[]): Error {
  const nearest = nearestWord(name, known);
  const list = known.map((each) => `--${each}`).join(", ");
  const hint =
    nearest === undefined
      ? list === ""
        ? "Leave it out."
        : `There are ${list}.`
      : `Did you mean --${nearest}?`;
  return source.fault(`${keyword} has no flag --${name}`, hint);
}
