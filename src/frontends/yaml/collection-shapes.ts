import { ComposeImageError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { faultAt, type Place } from "./located.ts";
import { nearestWord } from "./nearest.ts";
import { type Shape, unfit } from "./shape.ts";

/** A mapping's keys with what each may hold. */
export type Fields<T> = { readonly [K in keyof T]: Shape<T[K]> };

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

function misspelt(place: Place, key: string, known: readonly string[]): ComposeImageError {
  const nearest = nearestWord(key, known);
  const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
  return unknownKey(place, key, "is not a known key", `${meant}Known are ${known.join(", ")}.`);
}

function unknownKey({ where, path }: Place, key: string, what: string, hint: string): ComposeImageError {
  const of = path === "" ? "" : ` of ${path}`;
  return new ComposeImageError("USAGE", `${where}: ${JSON.stringify(key)} ${what}${of}`, { hint });
}
