import { namesDirectory } from "../model/destination.ts";
import { type Digest, parseDigest } from "../model/digest.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { MediaTypeFamily } from "../model/media-types.ts";
import { parseOwner } from "../model/owner.ts";
import { type Platform, parsePlatform } from "../model/platform.ts";
import { parseReference, type Reference } from "../model/reference.ts";
import { formats, oneOf } from "../plan/choices.ts";
import type { Compression, ConfigChanges, CopyStep } from "../plan/compose-plan.ts";
import { parseCompression } from "../plan/compression.ts";
import { expectInside } from "../plan/directory.ts";
import { parseExposedPorts } from "../plan/exposed-ports.ts";
import { parseMode } from "../plan/mode.ts";
import { parseSourceDateEpoch } from "../plan/source-date-epoch.ts";
import { parseStopSignal } from "../plan/stop-signal.ts";
import { parseVolume } from "../plan/volume.ts";
import { baseKeys, recordKeys } from "./record.ts";
import {
  type ReadValue,
  readCount,
  readJsonText,
  readList,
  readObject,
  readText,
  readTextMap,
  readTexts,
  readTrue,
  readWord,
  recordInvalid,
} from "./record-values.ts";

/** What an image says it was made from. */
export interface ImageRecord {
  /** Absent for scratch. */
  readonly base: RecordedImage | undefined;
  readonly builders: readonly RecordedImage[];
  readonly copies: readonly RecordedCopy[];
  readonly config: ConfigChanges;
  readonly options: RecordedOptions;
  /** What is recorded besides the images, as it is written. */
  readonly document: JsonObject;
}

/** An image as it was when it was used. */
export interface RecordedImage {
  /** Absent for what had no name that others could use, as a layout of some machine. */
  readonly reference?: Reference;
  /** Of what the reference stood for: an index, or a manifest. */
  readonly digest: Digest;
  /** Where it is not the composed image's. */
  readonly platform?: Platform;
}

/** A copy step; `from` is a position in the builders. */
export interface RecordedCopy extends Omit<CopyStep, "from"> {
  readonly from: number;
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
    const { [recordKeys[part]]: text } = texts;
    return text === undefined ? undefined : readJsonText(text, what(part));
  };
  const document = { copy: json("copy"), config: json("config"), options: json("options") };
  const builders = optional(json("builders"), readList(readBuilder), what("builders"));
  const copies = optional(document.copy, readList(readCopy), what("copy"));
  if (builders === undefined && copies === undefined) return undefined;
  if (builders === undefined || copies === undefined || copies.length === 0) {
    throw recordInvalid(`${where}: its record is not whole`);
  }
  const stray = copies.find(({ from }) => from >= builders.length);
  if (stray !== undefined) {
    throw recordInvalid(`${what("copy")}: from ${stray.from}, of ${builders.length} builders`);
  }
  return {
    base: readBase(texts, where),
    builders,
    copies,
    config: optional(document.config, readConfigChanges, what("config")) ?? {},
    options: optional(document.options, readOptions, what("options")) ?? {},
    document,
  };
}

function optional<T>(value: Json | undefined, read: ReadValue<T>, what: string): T | undefined {
  return value === undefined ? undefined : read(value, what);
}

const readDigest = readWord((text) => parseDigest(text));
const readReference = readWord((text) => parseReference(text));
const readPlatform = readWord((text) => parsePlatform(text));

function readBase(texts: Readonly<Record<string, string>>, where: string): RecordedImage | undefined {
  const { [baseKeys.name]: name, [baseKeys.digest]: digest } = texts;
  if (digest === undefined && name === undefined) return undefined;
  const at = (key: string): string => `${where}: ${key}`;
  return {
    ...(name !== undefined && { reference: readReference(name, at(baseKeys.name)) }),
    digest: readDigest(digest, at(baseKeys.digest)),
  };
}

const readBuilderParts = readObject<RecordedImage>({
  reference: readReference,
  digest: readDigest,
  platform: readPlatform,
});

function readBuilder(value: unknown, what: string): RecordedImage {
  const { digest, ...rest } = readBuilderParts(value, what);
  if (digest === undefined) throw recordInvalid(`${what} has no digest`);
  return { ...rest, digest };
}

const readCopyParts = readObject<{
  from: number;
  src: readonly string[];
  dst: string;
  chown: NonNullable<CopyStep["chown"]>;
  chmod: number;
  exclude: readonly string[];
  link: true;
}>({
  from: readCount,
  src: readList(
    readWord((path, what) => {
      expectInside(path, what);
      return path;
    }),
  ),
  dst: readWord(String),
  chown: readWord((text) => parseOwner(text)),
  chmod: readWord(parseMode),
  exclude: readList(readWord(String)),
  link: readTrue,
});

function readCopy(value: unknown, what: string): RecordedCopy {
  const {
    from,
    src: sources = [],
    dst: destination,
    exclude = [],
    link = false,
    ...rest
  } = readCopyParts(value, what);
  if (from === undefined || destination === undefined || sources.length === 0) {
    throw recordInvalid(`${what} lacks from, src or dst`);
  }
  if (sources.length > 1 && !namesDirectory(destination)) {
    throw recordInvalid(`${what} has several sources, and dst is a single name`);
  }
  return { ...rest, from, sources, destination, exclude, link };
}

const readConfigChanges: ReadValue<ConfigChanges> = readObject<ConfigChanges>({
  env: readTextMap,
  labels: readTextMap,
  exposedPorts: readList(
    readWord((port, what) => {
      const [only, ...more] = parseExposedPorts(port, what);
      if (only === port && more.length === 0) return port;
      throw recordInvalid(`${what} is not a port with its protocol`);
    }),
  ),
  volumes: readList(readWord(parseVolume)),
  workdir: readWord(String),
  user: readText,
  entrypoint: readTexts,
  cmd: readTexts,
  stopSignal: readWord(parseStopSignal),
  healthcheck: readHealthcheck,
  shell: readTexts,
});

const readHealthcheckParts = readObject<{
  Test: readonly string[];
  Interval: number;
  Timeout: number;
  StartPeriod: number;
  StartInterval: number;
  Retries: number;
}>({
  Test: readTexts,
  Interval: readCount,
  Timeout: readCount,
  StartPeriod: readCount,
  StartInterval: readCount,
  Retries: readCount,
});

/** As the configuration has it. */
function readHealthcheck(value: unknown, what: string): JsonObject {
  const { Test = [], ...rest } = readHealthcheckParts(value, what);
  if (Test.length === 0) throw recordInvalid(`${what} has no Test`);
  return { Test: [...Test], ...rest };
}

const readOptions: ReadValue<RecordedOptions> = readObject<RecordedOptions>({
  compression: readWord(parseCompression),
  format: readWord((text, what) => oneOf(text, formats, what)),
  sourceDateEpoch: (value, what) => {
    const seconds = readCount(value, what);
    return readWord(() => parseSourceDateEpoch(seconds))(String(seconds), what);
  },
});
