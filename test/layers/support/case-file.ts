import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { JsonObject } from "../../../src/model/json.ts";
import type { MediaTypeFamily } from "../../../src/model/media-types.ts";
import { rowOf } from "../../support/case-table.ts";

/** A layer of an image of a case. */
export interface CaseLayer {
  /** Lines as `tarOfLines` takes them. */
  readonly entries: string;
  /** Lines as `packed` takes them. Default `gzip`. */
  readonly packed?: readonly string[];
  /** Default the family's for gzip. */
  readonly mediaType?: string;
  /** Whether the tar has its end mark. Default `true`. */
  readonly ended?: boolean;
  /** Whether the stored blob's last byte is another than the digest says. */
  readonly damaged?: boolean;
  /** Where a foreign layer is instead of in its store; `http://elsewhere/` is a server of the case's own. */
  readonly urls?: readonly string[];
}

/** An image of a case. */
export interface CaseImage {
  /** Bottom to top. */
  readonly layers: readonly CaseLayer[];
  /** Of the configuration, besides or instead of what every image has. */
  readonly config?: JsonObject;
  readonly family?: MediaTypeFamily;
  /** `REGISTRY/REPOSITORY:TAG`; by default a tag of an OCI layout. */
  readonly at?: string;
}

/** What a case composes. */
export interface CaseInput {
  readonly builder: CaseImage;
  /** Absent for scratch. */
  readonly base: CaseImage | undefined;
  /**
   * Options of the command line without dashes. Those of the plan that have no option: `sources` and `destination` for
   * one copy of several sources, `changes` of the configuration.
   */
  readonly options: Readonly<Record<string, unknown>>;
  /** Registries that take no writes. */
  readonly readOnly: readonly string[];
}

/** What a case expects. */
export interface CaseExpectation {
  /** All entries of the new layer in order, as lines. */
  readonly layer?: string;
  /** Parts of the warnings, one each, in order. Default none. */
  readonly warnings?: readonly string[];
  /** Part of the configuration. */
  readonly config?: JsonObject;
  /** The configuration's `config` property, all of it. */
  readonly execution?: JsonObject;
  /** All annotations; `<builder>`, `<base>` and `<layer>` stand for digests. */
  readonly annotations?: JsonObject;
  /** Part of the manifest. */
  readonly manifest?: JsonObject;
  /** What a registry was told to store, in order. */
  readonly writes?: Readonly<Record<string, readonly string[]>>;
  /** Of all inputs: what has the same digest. */
  readonly same?: "layer" | "image";
  /** Of all inputs: what has different digests. */
  readonly different?: "layer" | "image";
  /** What composing fails with instead; `says` are parts of the message. */
  readonly error?: { readonly code: string; readonly exit: number; readonly says: readonly string[] };
}

/** A case as its file has it. */
export interface SemanticsCase {
  /** `ROW` or `ROW--VARIANT`. */
  readonly name: string;
  readonly row: string;
  readonly about: string;
  /** The first is what is expected of; the others are compared with it. */
  readonly inputs: readonly CaseInput[];
  readonly expect: CaseExpectation;
}

const folder = fileURLToPath(new URL("../../../fixtures/layers/", import.meta.url));

const caseKeys = ["about", "builder", "base", "copy", "read-only", "otherwise", "expect"];
const imageKeys = ["layers", "config", "family", "at"];
const layerKeys = ["entries", "packed", "mediaType", "ended", "damaged", "urls"];
const expectKeys = [
  "layer",
  "warnings",
  "config",
  "execution",
  "annotations",
  "manifest",
  "writes",
  "same",
  "different",
  "error",
];

/** All cases, in the order of their names. */
export function readCases(): SemanticsCase[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      try {
        return parseCase(name, readFileSync(`${folder}${name}/case.yaml`, "utf8"));
      } catch (cause) {
        throw new Error(`fixtures/layers/${name}: ${String(cause)}`, { cause });
      }
    });
}

function parseCase(name: string, text: string): SemanticsCase {
  const document = mapping(parse(text), caseKeys, "the case");
  const { about, otherwise = [], expect } = document;
  if (typeof about !== "string" || expect === undefined) throw new Error("it lacks `about` or `expect`");
  if (!Array.isArray(otherwise)) throw new Error("`otherwise` is no list");
  const changes = otherwise.map((each: unknown) => mapping(each, caseKeys, "otherwise"));
  return {
    name,
    row: rowOf(name),
    about,
    inputs: [{}, ...changes].map((change) => parseInput({ ...document, ...change })),
    expect: mapping(expect, expectKeys, "expect") as CaseExpectation,
  };
}

function parseInput(document: Readonly<Record<string, unknown>>): CaseInput {
  const { builder, base, copy, "read-only": readOnly = [] } = document;
  return {
    builder: parseImage(builder),
    base: base === undefined ? undefined : parseImage(base),
    options: mapping(copy, undefined, "copy"),
    readOnly: readOnly as readonly string[],
  };
}

/** An image is its layers, or a mapping with `layers`; a layer is its lines, or a mapping with `entries`. */
function parseImage(value: unknown): CaseImage {
  const image = Array.isArray(value) ? { layers: value } : mapping(value, imageKeys, "an image");
  if (!Array.isArray(image.layers)) throw new Error("an image without `layers`");
  const layers = image.layers.map((layer: unknown) =>
    typeof layer === "string"
      ? { entries: layer }
      : (mapping(layer, layerKeys, "a layer") as unknown as CaseLayer),
  );
  return { ...image, layers };
}

/** @param keys those allowed; all when absent. */
function mapping(value: unknown, keys: readonly string[] | undefined, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${what} is no mapping`);
  const wrong = Object.keys(value).filter((key) => keys !== undefined && !keys.includes(key));
  if (wrong.length > 0) throw new Error(`${what} has unknown keys: ${wrong.join(", ")}`);
  return { ...value };
}
