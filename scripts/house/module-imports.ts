import { type Token, tokensOf } from "./tokens.ts";

/** One way in which a module names another. */
export interface ModuleImport {
  /** `re-export` is `export … from`; `dynamic` is `import(…)`, as a call or as a type. */
  readonly kind: "value" | "type" | "re-export" | "dynamic";
  /** The specifier as written; undefined where a dynamic import computes it. */
  readonly specifier: string | undefined;
  /** Where the statement begins, counted from 1. */
  readonly line: number;
}

/** What a module takes from others and passes on of it. */
export interface ModuleLinks {
  readonly imports: readonly ModuleImport[];
  /** Imported names that an `export { … }` list of the same module passes on, and `export default`. */
  readonly discouragedExports: readonly { readonly what: string; readonly line: number }[];
}

/**
 * Reads a module's import and export statements.
 *
 * @throws Error naming the line when the text is not a complete module.
 */
export function linksOf(text: string): ModuleLinks {
  const tokens = [...tokensOf(text)];
  const imports: ModuleImport[] = [];
  const discouragedExports: { what: string; line: number }[] = [];
  const importedNames = new Set<string>();
  const exportedNames: { name: string; line: number }[] = [];
  let depth = 0;

  for (const [index, token] of tokens.entries()) {
    if (token.kind === "punctuator") {
      if ("{([".includes(token.text)) depth++;
      if ("})]".includes(token.text)) depth--;
      continue;
    }
    if (token.kind !== "word" || isProperty(tokens, index)) continue;
    const next = tokens[index + 1];
    if (token.text === "import" && next?.text === "(" && next.kind === "punctuator") {
      const argument = tokens[index + 2];
      const after = tokens[index + 3]?.text;
      const isPlain = argument?.kind === "string" && (after === ")" || after === ",");
      imports.push({ kind: "dynamic", specifier: isPlain ? argument.text : undefined, line: token.line });
    } else if (token.text === "require" && next?.text === "(" && tokens[index + 2]?.kind === "string") {
      imports.push({ kind: "dynamic", specifier: tokens[index + 2]?.text, line: token.line });
    } else if (depth === 0 && token.text === "import") {
      const clause = clauseFrom(tokens, index + 1);
      if (clause === undefined) continue;
      imports.push({
        kind: isTypeOnly(clause.names) ? "type" : "value",
        specifier: clause.specifier,
        line: token.line,
      });
      for (const { name } of namesIn(clause.names, "local")) importedNames.add(name);
    } else if (depth === 0 && token.text === "export") {
      const list = next?.text === "type" ? tokens[index + 2] : next;
      if (next?.kind === "word" && next.text === "default") {
        discouragedExports.push({ what: "default", line: token.line });
      } else if (list?.kind === "punctuator" && (list.text === "{" || list.text === "*")) {
        const clause = clauseFrom(tokens, index + 1);
        if (clause !== undefined) {
          imports.push({ kind: "re-export", specifier: clause.specifier, line: token.line });
        } else if (list.text === "{") {
          const end = tokens.findIndex((candidate, at) => at > index && candidate.text === "}");
          exportedNames.push(...namesIn(tokens.slice(index + 1, end + 1), "source"));
        }
      }
    }
  }
  for (const { name, line } of exportedNames) {
    if (importedNames.has(name)) discouragedExports.push({ what: name, line });
  }
  return { imports, discouragedExports };
}

/** Whether the word is a property's name: `a.import`, `{ import: 1 }`, `{ export() {} }` is not told apart. */
function isProperty(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  if (before?.kind === "punctuator" && before.text === ".") {
    // `...import("x")` spreads an import.
    return tokens[index - 2]?.text !== ".";
  }
  const after = tokens[index + 1];
  return after?.kind === "punctuator" && (after.text === ":" || after.text === ".");
}

/**
 * The names and the specifier of an import or re-export statement, from the token after its keyword; undefined where
 * the statement names no module, as `export { a };`.
 */
function clauseFrom(
  tokens: readonly Token[],
  from: number,
): { names: Token[]; specifier: string } | undefined {
  const first = tokens[from];
  if (first?.kind === "string") return { names: [], specifier: first.text };
  let depth = 0;
  for (let index = from; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined) break;
    if (token.kind === "punctuator") {
      if (token.text === "{") depth++;
      else if (token.text === "}") depth--;
      else if (token.text !== "," && token.text !== "*") return undefined;
    } else if (depth === 0 && token.kind === "word" && token.text === "from" && index > from) {
      const specifier = tokens[index + 1];
      if (specifier?.kind === "string")
        return { names: tokens.slice(from, index), specifier: specifier.text };
    } else if (token.kind === "literal" || (depth === 0 && token.kind === "string")) {
      return undefined;
    }
    const next = tokens[index + 1];
    if (depth === 0 && token.text === "}" && next?.text !== "from") return undefined;
  }
  return undefined;
}

/** `import type …`, or a list whose every name is marked `type`. */
function isTypeOnly(names: readonly Token[]): boolean {
  if (names.length === 0) return false;
  if (names[0]?.text === "type" && names.length > 1 && names[1]?.text !== ",") return true;
  if (names[0]?.text !== "{") return false;
  const list = bindings(names);
  return list.length > 0 && list.every((binding) => binding.length > 1 && binding[0]?.text === "type");
}

/** The names a clause binds: the local ones (after `as`) or the ones they stand for (before it). */
function namesIn(clause: readonly Token[], side: "local" | "source"): { name: string; line: number }[] {
  return bindings(clause).flatMap((binding) => {
    const words = binding.length > 1 && binding[0]?.text === "type" ? binding.slice(1) : binding;
    const word = side === "local" ? words.at(-1) : words[0];
    return word === undefined ? [] : [{ name: word.text, line: word.line }];
  });
}

/** The words between commas and braces, one list for each binding. */
function bindings(clause: readonly Token[]): Token[][] {
  const list: Token[][] = [[]];
  for (const token of clause) {
    if (token.kind === "punctuator" && token.text !== "*") list.push([]);
    else list.at(-1)?.push(token);
  }
  return list.filter((binding) => binding.length > 0);
}
