import type { SourceText } from "../source-text.ts";
import { splitWords } from "../words.ts";
import type { RawInstruction } from "./raw-instruction.ts";

/** `NAME=VALUE` of `ENV` and `LABEL`. */
export interface Pair {
  readonly key: SourceText;
  readonly value: SourceText;
}

/** `NAME` or `NAME=DEFAULT` of `ARG`. */
export interface ArgItem {
  readonly name: SourceText;
  readonly value: SourceText | undefined;
}

/**
 * Reads `NAME=VALUE…`, or in the old form `NAME VALUE`, where the value is all the rest.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function readPairs({ keyword, rest, escapeCharacter }: RawInstruction): Pair[] {
  const words = splitWords(rest.text, escapeCharacter).map(({ start, end }) => rest.slice(start, end));
  const [first] = words;
  if (first !== undefined && !first.text.includes("=")) {
    const end = /^\S+/.exec(rest.text)?.[0].length ?? 0;
    const value = rest.slice(end).trim();
    if (value.text === "") {
      throw first.fault(`${keyword} ${first.text} has no value`, `Write ${keyword} ${first.text}=VALUE.`);
    }
    return [{ key: rest.slice(0, end), value }];
  }
  return words.map((word) => {
    const { name, value } = splitAtEquals(word);
    if (value === undefined) {
      throw word.fault(
        `${word.text} has no equals sign`,
        `Write ${keyword} NAME=VALUE; a value with spaces needs quotes.`,
      );
    }
    if (name.text === "")
      throw word.fault(`${keyword} has a value without a name`, `Write ${keyword} NAME=VALUE.`);
    return { key: name, value };
  });
}

/**
 * Reads `NAME[=DEFAULT]…`.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function readArgs({ rest, escapeCharacter }: RawInstruction): ArgItem[] {
  return splitWords(rest.text, escapeCharacter).map(({ start, end }) => {
    const word = rest.slice(start, end);
    const item = splitAtEquals(word);
    if (item.name.text === "") throw word.fault("ARG has a value without a name", "Write ARG NAME=DEFAULT.");
    return item;
  });
}

function splitAtEquals(word: SourceText): ArgItem {
  const equals = word.text.indexOf("=");
  if (equals < 0) return { name: word, value: undefined };
  return { name: word.slice(0, equals), value: word.slice(equals + 1) };
}
