import { ComposeImageError } from "../../model/errors.ts";
import { type Located, type LocatedScalar, mapScalars, placeName } from "./located.ts";

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
 * `${NAME-TEXT}` for one that is not given, `$$` for a dollar sign. Keys are left alone, and what is put in is text: it
 * cannot become YAML.
 *
 * @throws ComposeImageError `USAGE` for a variable that is not given, and for any other dollar sign.
 */
export function substituteVariables(document: Located, variables: Variables): Located {
  return mapScalars(document, (scalar) => {
    if (typeof scalar.value !== "string" || !scalar.text.includes("$")) return scalar;
    const text = scalar.text.replaceAll(/\$(?:\$|\{([^{}]*)\}|)/g, (found, inside: string | undefined) =>
      found === "$$" ? "$" : expand(scalar, inside, variables),
    );
    return { ...scalar, value: text, text, isText: true };
  });
}

function expand(scalar: LocatedScalar, inside: string | undefined, variables: Variables): string {
  const [, name, dash, fallback = ""] = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)(.*))?$/s.exec(inside ?? "") ?? [];
  if (name === undefined || fallback.includes("$")) {
    throw fault(
      scalar,
      inside === undefined ? "has a lone dollar sign" : `has the malformed variable \${${inside}}`,
      `Write \${NAME} or \${NAME:-TEXT} for a variable, $$ for a dollar sign.`,
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
