import { ComposeImageError } from "../../model/errors.ts";
import type { TextTemplate } from "../../plan/text.ts";

/** Where something was said, for messages. */
export interface Place {
  /** `FILE:LINE:COLUMN`, counted from 1; `--set` for what a flag says. */
  readonly where: string;
  /** Keys on the way to it: `copy[0].chmod`; empty for the whole document. */
  readonly path: string;
}

/** A value of a document, with its place. */
export type Located = LocatedScalar | LocatedList | LocatedMap;

/** Text, number, truth value or nothing. */
export interface LocatedScalar extends Place {
  readonly kind: "scalar";
  /** What YAML takes it for. */
  readonly value: string | number | boolean | null;
  /** As written, without quotes: `1.10` and `0755` keep their zeros. */
  readonly text: string;
  /** Whether it comes from a flag or a variable, where text is all there is: `true` may be meant as a truth value. */
  readonly isText: boolean;
  /** Set where the text refers to the environment of the base, which nobody knows yet. */
  readonly template?: TextTemplate;
}

/** A list. */
export interface LocatedList extends Place {
  readonly kind: "list";
  readonly items: readonly Located[];
}

/** A mapping, in the order written. */
export interface LocatedMap extends Place {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}

/** An entry of a mapping: the key's place, and the value. */
export interface LocatedEntry {
  readonly key: Place;
  readonly value: Located;
}

/** `FILE:LINE:COLUMN: copy[0].chmod`, which messages begin with. */
export function placeName({ where, path }: Place): string {
  return `${where}: ${path === "" ? "the document" : path}`;
}

/** The path of a mapping's value: keys that are not plain words stand in quotes. */
export function keyPath(parent: string, key: string): string {
  const step = /^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key);
  return parent === "" ? step : `${parent}.${step}`;
}

/** The value at another place, with all that is in it: what it says was said there. */
export function moved(value: Located, { where, path }: Place): Located {
  const place = { where, path };
  if (value.kind === "scalar") return { ...value, ...place };
  if (value.kind === "list") {
    const items = value.items.map((item, i) => moved(item, { where, path: `${path}[${i}]` }));
    return { ...value, items, ...place };
  }
  const entries = [...value.entries].map(([name, entry]): [string, LocatedEntry] => [
    name,
    { key: place, value: moved(entry.value, { where, path: keyPath(path, name) }) },
  ]);
  return { ...value, entries: new Map(entries), ...place };
}

/** The value with every scalar replaced; keys stay. */
export function mapScalars(value: Located, change: (scalar: LocatedScalar) => LocatedScalar): Located {
  if (value.kind === "scalar") return change(value);
  if (value.kind === "list") return { ...value, items: value.items.map((item) => mapScalars(item, change)) };
  const entries = [...value.entries].map(([name, entry]): [string, LocatedEntry] => [
    name,
    { key: entry.key, value: mapScalars(entry.value, change) },
  ]);
  return { ...value, entries: new Map(entries) };
}

/** The error for something at a place. */
export function faultAt(place: Place, what: string, hint: string): ComposeImageError {
  return new ComposeImageError("USAGE", `${placeName(place)} ${what}`, { hint });
}

/** What a value is, for messages. */
export function kindName(value: Located): string {
  if (value.kind === "list") return "a list";
  if (value.kind === "map") return "a mapping";
  if (value.value === null) return "nothing";
  if (typeof value.value === "string") return "text";
  return typeof value.value === "number" ? "a number" : `${value.value}`;
}
