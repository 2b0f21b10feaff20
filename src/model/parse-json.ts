import type { ComposeImageError } from "./errors.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** Makes the error for a document that is not what it should be. */
export type Invalid = (what: string, hint?: string) => ComposeImageError;

/** Deepest nesting accepted. Specs need ten levels; JSON.stringify, and most other readers, overflow at some thousands. */
const maxDepth = 500;

/** Reads bytes as a JSON object; `invalid` makes the error for anything else, and for one nested absurdly deep. */
export function parseJsonObject(bytes: Uint8Array, invalid: Invalid): JsonObject {
  const value = parseJson(bytes, invalid);
  if (!isJsonObject(value)) throw invalid("not a JSON object");
  return value;
}

/** Reads bytes as JSON; `invalid` makes the error for anything else, and for one nested absurdly deep. */
export function parseJson(bytes: Uint8Array, invalid: Invalid): Json {
  if (depthOf(bytes) > maxDepth) throw invalid(`its JSON is nested deeper than ${maxDepth} levels`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    const start = Buffer.from(bytes.subarray(0, 40)).toString("utf8").trim();
    throw invalid(`not JSON (it starts with ${JSON.stringify(start)})`);
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openings: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closings: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** How many lists and objects are open at most, going by brackets outside of strings. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at] ?? 0;
    if (inString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (openings.has(byte)) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (closings.has(byte)) depth -= 1;
  }
  return deepest;
}
