import { ComposeImageError } from "../../model/errors.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import { faultAt, kindName, type Located, type Place, placeName } from "./located.ts";
import { nearestWord } from "./nearest.ts";

/** What a value of a document may be: one thing that both reads it and describes it to editors. */
export interface Shape<T> {
  /** For messages: `a list of paths`. */
  readonly wanted: string;
  /** What is accepted, as JSON Schema 2020-12. */
  readonly schema: JsonObject;
  /** @throws ComposeImageError with the place of what is wrong. */
  readonly read: (value: Located) => T;
}

/** A mapping's keys with what each may hold. */
export type Fields<T> = { readonly [K in keyof T]: Shape<T[K]> };

/** Reads text into what it means; `what` is the place and path for messages. */
export type ReadText<T> = (text: string, what: string) => T;

/** What is known of a text beside its reader. */
export interface TextRules {
  /** A regular expression it has to match; only editors go by it, the reader decides. */
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

/** A text with a variable in it: what comes of it, an editor cannot know. */
const variable = "\\$\\{[A-Za-z_]";

/** Text, not empty. */
export function text<T>(wanted: string, read: ReadText<T>, rules: TextRules = {}): Shape<T> {
  return {
    wanted,
    schema: orVariable({ type: "string", minLength: 1, ...rulesSchema(rules) }),
    read: (value) => {
      if (value.kind !== "scalar" || typeof value.value !== "string") throw unfit(value, wanted);
      if (value.text === "") throw faultAt(value, "is empty", `Write ${wanted}, or leave the key out.`);
      return read(value.text, placeName(value));
    },
  };
}

/** Text that may be written as a number or truth value too, which is then taken as it is written. */
export function word<T>(wanted: string, read: ReadText<T>, rules: TextRules = {}): Shape<T> {
  const asText = orVariable({ type: "string", ...rulesSchema(rules) });
  return {
    wanted,
    schema: { anyOf: [asText, { type: ["number", "boolean"] }] },
    read: (value) => {
      if (value.kind !== "scalar" || value.value === null) throw unfit(value, wanted);
      return read(value.text, placeName(value));
    },
  };
}

/** A whole number, not negative. */
export function count<T>(wanted: string, read: ReadText<T>): Shape<T> {
  return {
    ...word(wanted, read),
    schema: {
      anyOf: [
        { type: "integer", minimum: 0 },
        { type: "string", pattern: `^[0-9]+$|${variable}` },
      ],
    },
  };
}

/** `true` or `false`. */
export const truth: Shape<boolean> = {
  wanted: "true or false",
  schema: { anyOf: [{ type: "boolean" }, { type: "string", pattern: variable }] },
  read: (value) => {
    if (value.kind === "scalar" && typeof value.value === "boolean") return value.value;
    if (value.kind === "scalar" && value.isText && /^(?:true|false)$/.test(value.text)) {
      return value.text === "true";
    }
    throw unfit(value, "true or false");
  },
};

/** Whatever is there, which concerns others. */
export const foreign: Shape<undefined> = { wanted: "anything", schema: {}, read: () => undefined };

/** A list; `least` is how many items it has at least. */
export function list<T>(of: Shape<T>, wanted: string, least = 0): Shape<readonly T[]> {
  return {
    wanted,
    schema: { type: "array", items: of.schema, ...(least > 0 && { minItems: least }) },
    read: (value) => {
      if (value.kind !== "list") throw unfit(value, wanted);
      if (value.items.length < least) throw faultAt(value, "is an empty list", `Write ${wanted}.`);
      return value.items.map((item) => of.read(item));
    },
  };
}

/** A list, or its only item. */
export function oneOrMore<T>(of: Shape<T>, wanted: string): Shape<readonly T[]> {
  const several = list(of, wanted, 1);
  return {
    wanted,
    schema: { anyOf: [of.schema, several.schema] },
    read: (value) => (value.kind === "list" ? several.read(value) : [of.read(value)]),
  };
}

/** What {@link map} asks of its keys: a regular expression, and what to do about one that does not match it. */
export interface KeyRules {
  readonly pattern: string;
  readonly hint: string;
}

/** A mapping of any keys, or of those that match. */
export function map<T>(of: Shape<T>, wanted: string, keys?: KeyRules): Shape<Readonly<Record<string, T>>> {
  const { pattern = "", hint: namesHint = "" } = keys ?? {};
  const named = new RegExp(pattern);
  return {
    wanted,
    schema: {
      type: "object",
      additionalProperties: of.schema,
      ...(keys !== undefined && { propertyNames: { pattern } }),
    },
    read: (value) => {
      if (value.kind !== "map") throw unfit(value, wanted);
      return Object.fromEntries(
        [...value.entries].map(([name, entry]) => {
          if (!named.test(name)) throw unknownKey(entry.key, name, "is no name", namesHint);
          return [name, of.read(entry.value)];
        }),
      );
    },
  };
}

/** A mapping with known keys, of which `required` have to be there. */
export function object<T extends object>(
  fields: Fields<T>,
  wanted: string,
  required: readonly (keyof T & string)[] = [],
): Shape<Partial<T>> {
  const known = Object.keys(fields);
  const isKnown = (key: string): key is keyof T & string => Object.hasOwn(fields, key);
  const properties: Record<string, Json> = {};
  for (const key of known) if (isKnown(key)) properties[key] = { ...fields[key].schema };
  return {
    wanted,
    schema: {
      type: "object",
      properties,
      ...(required.length > 0 && { required: [...required] }),
      additionalProperties: false,
    },
    read: (value) => {
      if (value.kind !== "map") throw unfit(value, wanted);
      const given: Partial<T> = {};
      for (const [key, entry] of value.entries) {
        if (!isKnown(key)) throw misspelt(entry.key, key, known);
        given[key] = fields[key].read(entry.value);
      }
      for (const key of required)
        if (!value.entries.has(key)) {
          throw faultAt(value, `lacks the key ${key}`, `Write ${key}: there.`);
        }
      return given;
    },
  };
}

/** One shape for mappings, another for all else. */
export function mappingOr<A, B>(mapping: Shape<A>, other: Shape<B>, wanted: string): Shape<A | B> {
  return {
    wanted,
    schema: { anyOf: [other.schema, mapping.schema] },
    read: (value) => {
      if (value.kind === "map") return mapping.read(value);
      if (value.kind === "list") throw unfit(value, wanted);
      return other.read(value);
    },
  };
}

/** The shape with what it is for, for editors. */
export function described<T>(description: string, shape: Shape<T>): Shape<T> {
  return { ...shape, schema: { description, ...shape.schema } };
}

/** The same with something further done to what was read. */
export function refined<T, U>(shape: Shape<T>, further: (read: T, value: Located) => U): Shape<U> {
  return { ...shape, read: (value) => further(shape.read(value), value) };
}

function orVariable(schema: JsonObject): JsonObject {
  if (schema.pattern === undefined && schema.enum === undefined) return schema;
  return { anyOf: [schema, { type: "string", pattern: variable }] };
}

function rulesSchema({ pattern, enum: words }: TextRules): JsonObject {
  return { ...(pattern !== undefined && { pattern }), ...(words !== undefined && { enum: [...words] }) };
}

function unfit(value: Located, wanted: string): Error {
  return faultAt(value, `has to be ${wanted}, and is ${kindName(value)}`, `Write ${wanted}.`);
}

function misspelt(place: Place, key: string, known: readonly string[]): Error {
  const nearest = nearestWord(key, known);
  const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
  return unknownKey(place, key, "is not a known key", `${meant}Known are ${known.join(", ")}.`);
}

function unknownKey({ where, path }: Place, key: string, what: string, hint: string): Error {
  const of = path === "" ? "" : ` of ${path}`;
  return new ComposeImageError("USAGE", `${where}: ${JSON.stringify(key)} ${what}${of}`, { hint });
}
