import type { ComposeImageError } from "../../model/errors.ts";
import type { JsonObject } from "../../model/json.ts";
import { faultAt, kindName, type Located } from "./located.ts";

/** What a value of a document may be: one thing that both reads it and describes it to editors. */
export interface Shape<T> {
  /** For messages: `a list of paths`. */
  readonly wanted: string;
  /** What is accepted, as JSON Schema 2020-12. */
  readonly schema: JsonObject;
  /** @throws ComposeImageError with the place of what is wrong. */
  readonly read: (value: Located) => T;
}

/** The shape with what it is for, for editors. */
export function described<T>(description: string, shape: Shape<T>): Shape<T> {
  return { ...shape, schema: { description, ...shape.schema } };
}

/** The same with something further done to what was read. */
export function refined<T, U>(shape: Shape<T>, further: (read: T, value: Located) => U): Shape<U> {
  return { ...shape, read: (value) => further(shape.read(value), value) };
}

/** The error for a value of another kind than wanted. */
export function unfit(value: Located, wanted: string): ComposeImageError {
  return faultAt(value, `has to be ${wanted}, and is ${kindName(value)}`, `Write ${wanted}.`);
}
