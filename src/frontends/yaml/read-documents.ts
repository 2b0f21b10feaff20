import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
} from "yaml";
import { ComposeImageError, type ErrorDetails } from "../../model/errors.ts";
import { keyPath, type Located, type LocatedEntry, type Place } from "./located.ts";

/** Most values in one document, aliases expanded: a few lines of aliases of aliases stand for billions. */
const maxValues = 100_000;

/** Deepest nesting of lists and mappings. */
const maxDepth = 100;

const variableHint = "Inside [ ] and { }, ${NAME} needs quotes.";
const aliasHint = "Check indentation there, and quotes: text that begins with * needs quotes.";

/**
 * Reads YAML 1.2, all documents of a text, with the place of every value. Aliases are expanded; documents that hold
 * nothing are left out.
 *
 * @param name the file's, for messages.
 * @throws ComposeImageError `USAGE` with line and column for what is no YAML, keys that come twice or are no text,
 *   unknown tags, and documents that are absurdly large.
 */
export function readDocuments(text: string, name: string): Located[] {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  return parse(text, name, lines).flatMap((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      if (/call stack/.test(fault.message)) throw notYaml(`${at(fault.pos[0])}: nested too deeply`);
      const what = fault.message.replaceAll(/\s+/g, " ").replace(/\.$/, "");
      const isVariable = text.slice(0, fault.pos[0] + 1).endsWith("${");
      const isBareAlias = /^alias\b/i.test(what);
      const hint = isVariable ? variableHint : isBareAlias ? aliasHint : undefined;
      throw notYaml(`${at(fault.pos[0])}: ${what.charAt(0).toLowerCase()}${what.slice(1)}`, { hint });
    }
    const { contents } = document;
    if (contents === null || (isScalar(contents) && contents.value === null)) return [];
    return [new DocumentReader(document, at).read(contents, "", 0)];
  });
}

function parse(text: string, name: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  try {
    const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, version: "1.2" });
    return Array.isArray(documents) ? documents : [];
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw notYaml(`${name}:1:1: nested too deeply`, { cause });
  }
}

class DocumentReader {
  readonly #document: Document.Parsed;
  readonly #at: (offset: number) => string;
  #values = 0;

  constructor(document: Document.Parsed, at: (offset: number) => string) {
    this.#document = document;
    this.#at = at;
  }

  read(node: unknown, path: string, depth: number, fallback = 0): Located {
    const where = this.#at(startOf(node) ?? fallback);
    this.#values += 1;
    if (this.#values > maxValues || depth > maxDepth) {
      throw notYaml(`${where}: the document is too large, its aliases expanded, or nested too deeply`);
    }
    const place = { where, path };
    if (isAlias(node)) return { ...this.#target(node, place, depth), where, path };
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.read(item, `${path}[${i}]`, depth + 1));
      return { kind: "list", items, ...place };
    }
    if (isMap(node)) return { kind: "map", entries: this.#entries(node.items, path, depth), ...place };
    if (!isScalar(node)) return { kind: "scalar", value: null, text: "", isText: false, ...place };
    const { value, source } = node;
    const isKnown = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (!isKnown && value !== null) throw notYaml(`${where}: this kind of value is not known`);
    return {
      kind: "scalar",
      value: isKnown ? value : null,
      text: source ?? String(value ?? ""),
      isText: false,
      ...place,
    };
  }

  #target(
    node: { resolve(document: Document.Parsed): unknown; source: string },
    place: Place,
    depth: number,
  ) {
    const target = node.resolve(this.#document);
    if (target === undefined) {
      throw notYaml(`${place.where}: there is no anchor ${node.source} before it`, { hint: aliasHint });
    }
    return this.read(target, place.path, depth + 1);
  }

  #entries(pairs: readonly unknown[], path: string, depth: number): Map<string, LocatedEntry> {
    const entries = new Map<string, LocatedEntry>();
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const { key, value } = pair;
      const start = startOf(key) ?? 0;
      const where = this.#at(start);
      const name = isScalar(key) && key.value !== null ? (key.source ?? String(key.value)) : undefined;
      if (name === undefined || name === "") throw notYaml(`${where}: a key has to be text`);
      const keyed = keyPath(path, name);
      if (entries.has(name)) throw notYaml(`${where}: ${keyed} comes twice`);
      entries.set(name, {
        key: { where, path },
        value: this.read(value, keyed, depth + 1, start),
      });
    }
    return entries;
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function notYaml(message: string, { hint, cause }: ErrorDetails = {}): ComposeImageError {
  return new ComposeImageError("USAGE", message, {
    hint: hint ?? "Check indentation, quotes and brackets there.",
    cause,
  });
}
