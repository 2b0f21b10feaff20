import type { JsonObject } from "../../model/json.ts";
import type { TextTemplate } from "../../plan/text.ts";
import { faultAt, type LocatedScalar, placeName } from "./located.ts";
import { type Shape, unfit } from "./shape.ts";

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
      expectPlain(value);
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
      expectPlain(value);
      return read(value.text, placeName(value));
    },
  };
}

/** The shape, or text that refers to the environment of the base; it is read once that is known. */
export function orTemplate<T>(shape: Shape<T>): Shape<T | TextTemplate> {
  return {
    ...shape,
    read: (value) => (value.kind === "scalar" && value.template) || shape.read(value),
  };
}

/** A whole number, not negative; `least` is what it is at least. */
export function count<T>(wanted: string, read: ReadText<T>, least = 0): Shape<T> {
  return {
    wanted,
    schema: {
      anyOf: [
        { type: "integer", minimum: least },
        { type: "string", pattern: `^[0-9]+$|${variable}` },
      ],
    },
    read: (value) => {
      if (value.kind === "scalar") expectPlain(value);
      if (value.kind !== "scalar" || !/^[0-9]+$/.test(value.text)) throw unfit(value, wanted);
      if (Number(value.text) < least) {
        throw faultAt(value, `has to be at least ${least}, and is ${value.text}`, `Write ${wanted}.`);
      }
      return read(value.text, placeName(value));
    },
  };
}

/** `true` or `false`. */
export const truth: Shape<boolean> = {
  wanted: "true or false",
  schema: { anyOf: [{ type: "boolean" }, { type: "string", pattern: variable }] },
  read: (value) => {
    if (value.kind === "scalar") expectPlain(value);
    if (value.kind === "scalar" && typeof value.value === "boolean") return value.value;
    if (value.kind === "scalar" && value.isText && /^(?:true|false)$/.test(value.text)) {
      return value.text === "true";
    }
    throw unfit(value, "true or false");
  },
};

/** Whatever is there, which concerns others. */
export const foreign: Shape<undefined> = { wanted: "anything", schema: {}, read: () => undefined };

/** What has a meaning that nothing here can carry out. */
export function refused(why: string, hint: string): Shape<undefined> {
  return {
    ...foreign,
    read: (value) => {
      throw faultAt(value, why, hint);
    },
  };
}

/** Refuses a reference to the base's environment where it makes no sense. */
function expectPlain(value: LocatedScalar): void {
  if (value.template === undefined) return;
  throw faultAt(
    value,
    "refers to the base's environment, which is not known here",
    "Write the value itself, or ${NAME} for a value that is given by --var.",
  );
}

function orVariable(schema: JsonObject): JsonObject {
  if (schema.pattern === undefined && schema.enum === undefined) return schema;
  return { anyOf: [schema, { type: "string", pattern: variable }] };
}

function rulesSchema({ pattern, enum: words }: TextRules): JsonObject {
  return { ...(pattern !== undefined && { pattern }), ...(words !== undefined && { enum: [...words] }) };
}
