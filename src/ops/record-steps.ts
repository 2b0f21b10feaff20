import { namesDirectory } from "../model/destination.ts";
import type { JsonObject } from "../model/json.ts";
import { parseOwner } from "../model/owner.ts";
import { type Platform, parsePlatform } from "../model/platform.ts";
import type { ConfigChanges, CopyStep } from "../plan/compose-plan.ts";
import { expectInside } from "../plan/directory.ts";
import { parseExposedPorts } from "../plan/exposed-ports.ts";
import { parseMode } from "../plan/mode.ts";
import { parseStopSignal } from "../plan/stop-signal.ts";
import type { Text } from "../plan/text.ts";
import { parseVolume } from "../plan/volume.ts";
import { readAnyText, readTextOr } from "./record-texts.ts";
import {
  type ReadValue,
  readCount,
  readList,
  readMap,
  readObject,
  readText,
  readTexts,
  readTrue,
  readWord,
  recordInvalid,
} from "./record-values.ts";

/** A copy step as it is recorded. */
export interface RecordedCopy extends Omit<CopyStep, "from"> {
  /** What is copied from: a position among the builders, or among the stages. */
  readonly from: { readonly builder: number } | { readonly stage: number };
}

/** A stage that was copied from. */
export interface RecordedStage {
  /** A position among the builders; absent for scratch. */
  readonly base: number | undefined;
  readonly platform: Platform | undefined;
  readonly workdir: readonly Text[];
  readonly copies: readonly RecordedCopy[];
}

const readPath = readTextOr(readWord(String));

const readSource = readTextOr(
  readWord((path, what) => {
    expectInside(path, what);
    return path;
  }),
);

const readCopyParts = readObject<{
  from: number;
  stage: number;
  src: readonly Text[];
  dst: Text;
  workdir: readonly Text[];
  chown: NonNullable<CopyStep["chown"]>;
  chmod: NonNullable<CopyStep["chmod"]>;
  exclude: readonly Text[];
  link: true;
  parents: true;
}>({
  from: readCount,
  stage: readCount,
  src: readList(readSource),
  dst: readPath,
  workdir: readList(readPath),
  chown: readTextOr(readWord((text) => parseOwner(text))),
  chmod: readTextOr(readWord(parseMode)),
  exclude: readList(readPath),
  link: readTrue,
  parents: readTrue,
});

/** A copy step of the record. */
export function readCopy(value: unknown, what: string): RecordedCopy {
  const {
    from: builder,
    stage,
    src = [],
    dst,
    exclude = [],
    link = false,
    ...rest
  } = readCopyParts(value, what);
  const from =
    stage === undefined ? builder !== undefined && { builder } : builder === undefined && { stage };
  if (from === false || dst === undefined || src.length === 0)
    throw recordInvalid(`${what} lacks from, src or dst`);
  if (src.length > 1 && typeof dst === "string" && !namesDirectory(dst)) {
    throw recordInvalid(`${what} has several sources, and dst is a single name`);
  }
  return { ...rest, from, sources: src, destination: dst, exclude, link };
}

const readStageParts = readObject<{
  base: number;
  platform: Platform;
  workdir: readonly Text[];
  copy: readonly RecordedCopy[];
}>({
  base: readCount,
  platform: readWord((text) => parsePlatform(text)),
  workdir: readList(readPath),
  copy: readList(readCopy),
});

/** A stage of the record. */
export function readStage(value: unknown, what: string): RecordedStage {
  const { base, platform, workdir = [], copy: copies } = readStageParts(value, what);
  if (copies === undefined) throw recordInvalid(`${what} lacks copy`);
  return { base, platform, workdir, copies };
}

const readPort = readTextOr(
  readWord((port, what) => {
    const [only, ...more] = parseExposedPorts(port, what);
    if (only === port && more.length === 0) return port;
    throw recordInvalid(`${what} is not a port with its protocol`);
  }),
);

/** Changes of the configuration. */
export const readConfigChanges: ReadValue<ConfigChanges> = readObject<ConfigChanges>({
  env: readMap(readAnyText),
  labels: readMap(readAnyText),
  exposedPorts: readList(readPort),
  volumes: readList(readTextOr(readWord(parseVolume))),
  workdir: (value, what) => (Array.isArray(value) ? readList(readPath)(value, what) : readPath(value, what)),
  user: readAnyText,
  entrypoint: readTexts,
  cmd: readTexts,
  stopSignal: readTextOr(readWord(parseStopSignal)),
  healthcheck: readHealthcheck,
  shell: readTexts,
  author: readText,
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
