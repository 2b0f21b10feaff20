import { type Digest, isDigest } from "./digest.ts";
import { ComposeImageError } from "./errors.ts";
import { isJsonObject, isStringList, isStringMap, type JsonObject } from "./json.ts";
import { parseJsonObject } from "./parse-json.ts";
import type { Platform } from "./platform.ts";

/**
 * An image's configuration. `document` is the whole JSON with fields this project does not know; the other properties
 * are read from it and checked.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export interface ImageConfig {
  readonly document: JsonObject;
  readonly platform: Platform;
  /** Digests of the uncompressed layers, bottom to top. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
  /** `created` as written, RFC 3339; absent where the image has none. */
  readonly created: string | undefined;
  /** What a container starts with: the `config` property of the document. */
  readonly execution: ExecutionConfig;
}

/** The `config` property of an image's configuration; unknown fields are kept. */
export interface ExecutionConfig extends JsonObject {
  Env?: string[];
  Labels?: Record<string, string>;
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  User?: string;
  ExposedPorts?: Record<string, JsonObject>;
  Volumes?: Record<string, JsonObject>;
  StopSignal?: string;
}

/** One step of an image's making. A step with `empty_layer` has no layer. */
export interface HistoryEntry extends JsonObject {
  created?: string;
  created_by?: string;
  comment?: string;
  author?: string;
  empty_layer?: boolean;
}

/** Largest configuration accepted, in bytes. */
export const maxConfigSize = 8 * 1024 * 1024;

/**
 * Reads a configuration. Absent or null parts become empty; `os` and `architecture` default to linux and amd64, as old
 * tools left them out.
 *
 * @param where names the image in errors.
 * @throws ComposeImageError `CONFIG_INVALID`
 */
export function parseConfig(bytes: Uint8Array, where: string): ImageConfig {
  const invalid = (what: string): ComposeImageError =>
    new ComposeImageError("CONFIG_INVALID", `config of ${where}: ${what}`);
  const document = parseJsonObject(bytes, invalid);
  const optional = <T>(
    value: unknown,
    accepts: (value: unknown) => value is T,
    what: string,
  ): T | undefined => {
    if (value === undefined || value === null) return undefined;
    if (!accepts(value)) throw invalid(`${what} is malformed`);
    return value;
  };
  const isString = (value: unknown): value is string => typeof value === "string";

  const rootfs = optional(document.rootfs, isJsonObject, "rootfs") ?? {};
  const diffIds = rootfs.diff_ids ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest))
    throw invalid("rootfs.diff_ids is not a list of digests");
  const history = document.history ?? [];
  if (!Array.isArray(history) || !history.every(isJsonObject))
    throw invalid("history is not a list of objects");

  const given = optional(document.config, isJsonObject, "config") ?? {};
  const variant = optional(document.variant, isString, "variant");
  const osVersion = optional(document["os.version"], isString, "os.version");
  const execution: ExecutionConfig = dropNulls({
    ...given,
    Env: optional(given.Env, isStringList, "Env"),
    Labels: optional(given.Labels, isStringMap, "Labels"),
    Entrypoint: optional(given.Entrypoint, isStringList, "Entrypoint"),
    Cmd: optional(given.Cmd, isStringList, "Cmd"),
    WorkingDir: optional(given.WorkingDir, isString, "WorkingDir"),
    User: optional(given.User, isString, "User"),
    ExposedPorts: optional(given.ExposedPorts, isObjectRecord, "ExposedPorts"),
    Volumes: optional(given.Volumes, isObjectRecord, "Volumes"),
    StopSignal: optional(given.StopSignal, isString, "StopSignal"),
  });
  return {
    document,
    platform: {
      os: optional(document.os, isString, "os") || "linux",
      architecture: optional(document.architecture, isString, "architecture") || "amd64",
      ...(variant && { variant }),
      ...(osVersion && { "os.version": osVersion }),
    },
    diffIds,
    history: history as HistoryEntry[],
    created: optional(document.created, isString, "created"),
    execution,
  };
}

/** The variables a container starts with; of several with one name the last counts. */
export function environmentVariables({ execution }: ImageConfig): ReadonlyMap<string, string> {
  return new Map(
    (execution.Env ?? []).map((variable): [string, string] => {
      const [name = ""] = variable.split("=", 1);
      return [name, variable.slice(name.length + 1)];
    }),
  );
}

/** The configuration of the image without layers, for `--base scratch`. */
export function scratchConfig(platform: Platform): ImageConfig {
  const { os, architecture, variant } = platform;
  return {
    document: {
      architecture,
      os,
      ...(variant && { variant }),
      config: {},
      rootfs: { type: "layers", diff_ids: [] },
    },
    platform,
    diffIds: [],
    history: [],
    created: undefined,
    execution: {},
  };
}

function isObjectRecord(value: unknown): value is Record<string, JsonObject> {
  return isJsonObject(value) && Object.values(value).every((item) => isJsonObject(item));
}

function dropNulls(
  config: { [K in keyof ExecutionConfig]: ExecutionConfig[K] | undefined },
): ExecutionConfig {
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined && value !== null),
  ) as ExecutionConfig;
}
