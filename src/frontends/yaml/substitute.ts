import { ComposeImageError } from "../../model/errors.ts";
import { textOf } from "../../plan/expand-text.ts";
import { type Located, type LocatedScalar, mapScalars, placeName } from "./located.ts";
import { TextReader } from "./read-text.ts";

/** Values by name, and which of them were asked for. */
export class Variables {
  readonly #values: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    this.#used.add(name);
    return this.#values.get(name);
  }

  /** Those nobody asked for, in the order given. */
  get unused(): string[] {
    return [...this.#values.keys()].filter((name) => !this.#used.has(name));
  }
}

/**
 * Puts variables into a document's values: `${NAME}`, `${NAME:-TEXT}` for a variable that is empty or not given,
 * `${NAME-TEXT}` for one that is not given, `$$` for a dollar sign. `${base:NAME}` refers to the base's environment, and
 * makes a template. Keys are left alone, and what is put in is text: it cannot become YAML.
 *
 * @throws ComposeImageError `USAGE` for a variable that is not given, and for any other dollar sign.
 */
export function substituteVariables(document: Located, variables: Variables): Located {
  return mapScalars(document, (scalar) => {
    if (typeof scalar.value !== "string" || !scalar.text.includes("$")) return scalar;
    const reader = new TextReader(
      scalar.text,
      (inside) => expand(scalar, inside, variables),
      (what, hint) => fault(scalar, what, hint),
    );
    const text = textOf(reader.read(), placeName(scalar));
    if (typeof text === "string") return { ...scalar, value: text, text, isText: true };
    return { ...scalar, isText: true, template: text };
  });
}

function expand(scalar: LocatedScalar, inside: string, variables: Variables): string {
  const [, name, dash, fallback = ""] = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)(.*))?$/s.exec(inside) ?? [];
  if (name === undefined || fallback.includes("$")) {
    throw fault(
      scalar,
      `has the malformed variable \${${inside}}`,
      `Write \${NAME} or \${NAME:-TEXT} for a variable, \${base:NAME} for one of the base's, $$ for a dollar sign.`,
    );
  }
  const value = variables.get(name);
  const isMissing = value === undefined || (dash === ":-" && value === "");
  if (!isMissing) return value;
  if (dash !== undefined) return fallback;
  throw fault(
    scalar,
    `needs the variable ${name}, which is not given`,
    `Give --var ${name}=VALUE, or --var ${name} for the environment's, or write \${${name}:-TEXT}.`,
  );
}

function fault(scalar: LocatedScalar, what: string, hint: string): ComposeImageError {
  return new ComposeImageError("USAGE", `${placeName(scalar)} ${what}`, { hint });
}
