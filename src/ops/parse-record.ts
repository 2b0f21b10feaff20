import { type Digest, parseDigest } from "../model/digest.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { MediaTypeFamily } from "../model/media-types.ts";
import { type Platform, parsePlatform } from "../model/platform.ts";
import { parseReference, type Reference } from "../model/reference.ts";
import { formats, oneOf } from "../plan/choices.ts";
import type { Compression, ConfigChanges } from "../plan/compose-plan.ts";
import { parseCompression } from "../plan/compression.ts";
import { parseSourceDateEpoch } from "../plan/source-date-epoch.ts";
import { baseKeys, recordKeys } from "./record.ts";
import {
  type RecordedCopy,
  type RecordedStage,
  readConfigChanges,
  readCopy,
  readStage,
} from "./record-steps.ts";
import {
  type ReadValue,
  readCount,
  readJsonText,
  readList,
  readObject,
  readTrue,
  readWord,
  recordInvalid,
} from "./record-values.ts";

/** What an image says it was made from. */
export interface ImageRecord {
  /** Absent for scratch. */
  readonly base: RecordedImage | undefined;
  /** What was copied from, and what stages are made on. */
  readonly builders: readonly (RecordedImage | RecordedDirectory)[];
  /** Each copies only from those before it. */
  readonly stages: readonly RecordedStage[];
  readonly copies: readonly RecordedCopy[];
  readonly config: ConfigChanges;
  readonly options: RecordedOptions;
  /** What is recorded besides the images, as it is written. */
  readonly document: JsonObject;
}

/** An image as it was when it was used. */
export interface RecordedImage {
  readonly kind: "image";
  /** Absent for what had no name that others could use, as a layout of some machine. */
  readonly reference?: Reference;
  /** Of what the reference stood for: an index, or a manifest. */
  readonly digest: Digest;
  /** Where it is not the composed image's. */
  readonly platform?: Platform;
}

/** A directory of the machine the image was composed on; its path is recorded nowhere. */
export interface RecordedDirectory {
  readonly kind: "local";
}

/** How the image was written, where it is not the usual. */
export interface RecordedOptions {
  readonly compression?: Compression;
  readonly format?: MediaTypeFamily;
  readonly sourceDateEpoch?: number;
}

/**
 * Reads a record out of annotations or labels.
 *
 * @param where names the image in messages.
 * @returns `undefined` where there is none.
 * @throws ComposeImageError `RECORD_INVALID` for one that this project did not write, or a later version.
 */
export function parseRecord(texts: Readonly<Record<string, string>>, where: string): ImageRecord | undefined {
  const what = (part: keyof typeof recordKeys): string => `${where}: ${recordKeys[part]}`;
  const json = (part: keyof typeof recordKeys): Json | undefined => {
    const text = Object.hasOwn(texts, recordKeys[part]) ? texts[recordKeys[part]] : undefined;
    return text === undefined ? undefined : readJsonText(text, what(part));
  };
  const document = {
    stages: json("stages"),
    copy: json("copy"),
    config: json("config"),
    options: json("options"),
  };
  const builders = optional(json("builders"), readList(readBuilder), what("builders"));
  const copies = optional(document.copy, readList(readCopy), what("copy"));
  if (builders === undefined && copies === undefined) return undefined;
  if (builders === undefined || copies === undefined)
    throw recordInvalid(`${where}: its record is not whole`);
  const stages = optional(document.stages, readList(readStage), what("stages")) ?? [];
  for (const [i, stage] of stages.entries()) {
    const place = `${what("stages")}[${i}]`;
    expectKnown(stage.copies, builders.length, i, place);
    if (stage.base !== undefined && builders[stage.base]?.kind !== "image") {
      throw recordInvalid(`${place} is made on what is not among the builders`);
    }
  }
  expectKnown(copies, builders.length, stages.length, what("copy"));
  return {
    base: readBase(texts, where),
    builders,
    stages,
    copies,
    config: optional(document.config, readConfigChanges, what("config")) ?? {},
    options: optional(document.options, readOptions, what("options")) ?? {},
    document,
  };
}

/** Refuses copies from what is not there, or comes later. */
function expectKnown(copies: readonly RecordedCopy[], builders: number, stages: number, what: string): void {
  for (const { from } of copies) {
    const isKnown = "stage" in from ? from.stage < stages : from.builder < builders;
    if (!isKnown)
      throw recordInvalid(`${what} copies from what is not among the builders or stages before it`);
  }
}

function optional<T>(value: Json | undefined, read: ReadValue<T>, what: string): T | undefined {
  return value === undefined ? undefined : read(value, what);
}

const readDigest = readWord((text) => parseDigest(text));
const readReference = readWord((text) => parseReference(text));

function readBase(texts: Readonly<Record<string, string>>, where: string): RecordedImage | undefined {
  const { [baseKeys.name]: name, [baseKeys.digest]: digest } = texts;
  if (digest === undefined && name === undefined) return undefined;
  const at = (key: string): string => `${where}: ${key}`;
  return {
    kind: "image",
    ...(name !== undefined && { reference: readReference(name, at(baseKeys.name)) }),
    digest: readDigest(digest, at(baseKeys.digest)),
  };
}

const readImage = readObject<Omit<RecordedImage, "kind">>({
  reference: readReference,
  digest: readDigest,
  platform: readWord((text) => parsePlatform(text)),
});

const readDirectory = readObject<{ local: true }>({ local: readTrue });

function readBuilder(value: unknown, what: string): RecordedImage | RecordedDirectory {
  if (isJsonObject(value) && value.local !== undefined) {
    readDirectory(value, what);
    return { kind: "local" };
  }
  const { digest, ...rest } = readImage(value, what);
  if (digest === undefined) throw recordInvalid(`${what} has no digest`);
  return { kind: "image", ...rest, digest };
}

const readOptions: ReadValue<RecordedOptions> = readObject<RecordedOptions>({
  compression: readWord(parseCompression),
  format: readWord((text, what) => oneOf(text, formats, what)),
  sourceDateEpoch: (value, what) => {
    const seconds = readCount(value, what);
    return readWord(() => parseSourceDateEpoch(seconds))(String(seconds), what);
  },
});
