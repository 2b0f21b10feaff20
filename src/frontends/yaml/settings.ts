import { ComposeImageError } from "../../model/errors.ts";
import { faultAt, keyPath, type Located, moved, type Place } from "./located.ts";
import { readDocuments } from "./read-documents.ts";

/** What `--set KEY=VALUE` says. */
export interface Setting {
  /** The key as typed. */
  readonly key: string;
  /** Its steps: keys of mappings, positions in lists. */
  readonly steps: readonly string[];
  readonly value: Located;
  /** The value as typed. */
  readonly text: string;
}

/**
 * Reads `KEY=VALUE`. The key is a path: `env.NODE_ENV`, `copy.0.dst` or `copy[0].dst`, `labels."org.example.key"`. A
 * value that begins as lists, mappings and quoted texts do is YAML; any other is text.
 *
 * @throws ComposeImageError `USAGE`
 */
export function parseSetting(text: string): Setting {
  const match = /^((?:"(?:[^"\\]|\\.)*"|[^="])+)=(.*)$/s.exec(text);
  const [, key = "", value = ""] = match ?? [];
  const steps = stepsOf(key);
  if (steps === undefined) {
    throw new ComposeImageError("USAGE", `--set ${beforeEquals(text)} is not KEY=VALUE`, {
      hint: "Write for example --set env.MODE=test, --set copy.0.dst=/app or --set 'labels.\"org.example.key\"=x'.",
    });
  }
  const place = { where: `--set ${key}`, path: steps.reduce(stepPath, "") };
  return { key, steps, value: moved(parseValue(value, place), place), text: value };
}

/**
 * The document with a setting in it. Mappings on the way are made; a list may be extended by one item.
 *
 * @throws ComposeImageError `USAGE` where there is text or a shorter list on the way.
 */
export function applySetting(document: Located, { key, steps, value }: Setting): Located {
  return put(document, steps, value, { where: `--set ${key}`, path: "" });
}

function put(node: Located | undefined, steps: readonly string[], value: Located, place: Place): Located {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  const { where } = place;
  const below = { where, path: stepPath(place.path, step) };
  if (node?.kind === "list") {
    const at = /^[0-9]+$/.test(step) ? Number(step) : Number.NaN;
    if (!(at <= node.items.length)) {
      throw faultAt(place, `is a list of ${node.items.length}, which has no ${step}`, "Items count from 0.");
    }
    const items = [...node.items];
    items[at] = put(items[at], rest, value, below);
    return { ...node, items };
  }
  if (node?.kind === "scalar" && node.value !== null) {
    throw faultAt(place, `is text, which has no ${step}`, `Set ${place.path} itself.`);
  }
  const entries = new Map(node?.kind === "map" ? node.entries : []);
  const former = entries.get(step);
  entries.set(step, {
    key: former?.key ?? place,
    value: put(former?.value, rest, value, below),
  });
  return { kind: "map", where: node?.where ?? where, path: place.path, entries };
}

function parseValue(value: string, place: Place): Located {
  if (/^\s*[[{"']/.test(value)) {
    const [read, ...more] = readDocuments(value, place.where);
    if (read !== undefined && more.length === 0) return read;
  }
  return { kind: "scalar", value, text: value, isText: true, ...place };
}

/** What messages show: the value may be a secret. */
function beforeEquals(text: string): string {
  const equals = text.indexOf("=");
  return equals < 0 ? text : `${text.slice(0, equals)}=…`;
}

/** `undefined` for what is no path. */
function stepsOf(key: string): string[] | undefined {
  if (key.startsWith(".")) return undefined;
  const steps: string[] = [];
  const step = /(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^."[\]]+))|\[([0-9]+)\]/gy;
  while (step.lastIndex < key.length) {
    const match = step.exec(key);
    if (match === null || (match[3] !== undefined && steps.length === 0)) return undefined;
    steps.push(match[1]?.replaceAll(/\\(.)/g, "$1") ?? match[2] ?? match[3] ?? "");
  }
  return steps.length === 0 || steps.includes("") ? undefined : steps;
}

/** As a document would write it; a number is taken for a position. */
function stepPath(path: string, step: string): string {
  return /^[0-9]+$/.test(step) && path !== "" ? `${path}[${step}]` : keyPath(path, step);
}
