import { ComposeImageError } from "../model/errors.ts";
import { isJsonObject, isStringList, type Json } from "../model/json.ts";
import { parseJson } from "../model/parse-json.ts";

/** Reads a value of a record; `what` names it in messages. */
export type ReadValue<T> = (value: unknown, what: string) => T;

/** Longest value of a record, in characters: a hundred times what any plan comes to. */
const maxTextLength = 1024 * 1024;

/** The error for a record that this project did not write, or not so. */
export function recordInvalid(what: string, cause?: unknown): ComposeImageError {
  return new ComposeImageError("RECORD_INVALID", what, {
    hint: "A newer compose-image wrote it, or another tool changed it: compose the image again.",
    cause,
  });
}

/**
 * Reads the text of an annotation or label as JSON.
 *
 * @throws ComposeImageError `RECORD_INVALID`
 */
export function readJsonText(text: string, what: string): Json {
  if (text.length > maxTextLength) {
    throw recordInvalid(`${what} is longer than ${maxTextLength} characters`);
  }
  return parseJson(Buffer.from(text), (wrong) => recordInvalid(`${what}: ${wrong}`));
}

/** An object with these keys and no others; each may be absent. */
export function readObject<T extends object>(
  keys: { readonly [K in keyof T]-?: ReadValue<NonNullable<T[K]>> },
): ReadValue<Partial<T>> {
  const isKnown = (key: string): key is keyof T & string => Object.hasOwn(keys, key);
  return (value, what) => {
    if (!isJsonObject(value)) throw recordInvalid(`${what} is not an object`);
    const given: Partial<T> = {};
    for (const [key, item] of Object.entries(value)) {
      if (!isKnown(key)) throw recordInvalid(`${what} has ${JSON.stringify(key)}, which is not known`);
      given[key] = keys[key](item, `${what}: ${key}`);
    }
    return given;
  };
}

/** A list of such values. */
export function readList<T>(read: ReadValue<T>): ReadValue<readonly T[]> {
  return (value, what) => {
    if (!Array.isArray(value)) throw recordInvalid(`${what} is not a list`);
    return value.map((item, i) => read(item, `${what}[${i}]`));
  };
}

/** Text that has a meaning, as front ends read it too. */
export function readWord<T>(parse: (text: string, what: string) => T): ReadValue<T> {
  return (value, what) => {
    const text = readText(value, what);
    if (text === "") throw recordInvalid(`${what} is empty`);
    try {
      return parse(text, what);
    } catch (error) {
      if (!(error instanceof ComposeImageError)) throw error;
      throw recordInvalid(
        error.message.startsWith(what) ? error.message : `${what}: ${error.message}`,
        error,
      );
    }
  };
}

export function readText(value: unknown, what: string): string {
  if (typeof value !== "string") throw recordInvalid(`${what} is not a text`);
  return value;
}

export function readTexts(value: unknown, what: string): readonly string[] {
  if (!isStringList(value)) throw recordInvalid(`${what} is not a list of texts`);
  return value;
}

/** A mapping with any keys to such values. */
export function readMap<T>(read: ReadValue<T>): ReadValue<Readonly<Record<string, T>>> {
  return (value, what) => {
    if (!isJsonObject(value)) throw recordInvalid(`${what} is not a mapping`);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, read(item, `${what}: ${JSON.stringify(key)}`)]),
    );
  };
}

/** A whole number that is not negative. */
export function readCount(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 63) return value;
  throw recordInvalid(`${what} is not a whole number`);
}

export function readTrue(value: unknown, what: string): true {
  if (value !== true) throw recordInvalid(`${what} is not true`);
  return value;
}
