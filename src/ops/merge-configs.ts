import { isDeepStrictEqual } from "node:util";
import type { ExecutionConfig, ImageConfig } from "../model/config.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { envMap } from "./compare-configs.ts";

/** Values that the application is known to have set, even where its base said the same. */
export interface OwnSettings {
  /** Fields of `config`, as the specification spells them. */
  readonly fields: ReadonlySet<string>;
  readonly env: ReadonlySet<string>;
  /** By field. */
  readonly keys: Readonly<Record<MapField, ReadonlySet<string>>>;
}

/** Fields of `config` whose values are merged one by one, besides the environment. */
export const mapFields = ["Labels", "ExposedPorts", "Volumes"] as const;

/** One of {@link mapFields}. */
export type MapField = (typeof mapFields)[number];

/** The three configurations of a rebase. */
export interface ConfigsToMerge {
  readonly oldBase: ImageConfig;
  readonly application: ImageConfig;
  readonly newBase: ImageConfig;
}

/** Fields of the document that are not merged: they are about layers and times. */
const notMerged: ReadonlySet<string> = new Set(["config", "rootfs", "history", "created"]);

type Values = Readonly<Record<string, Json | undefined>>;

/**
 * The application's configuration on another base: what the application set stays, what came from the old base follows the
 * new one. Variables, labels, ports and volumes are merged one by one, all else as a whole. Who sets an entrypoint has
 * decided about the command, too.
 *
 * @returns the document, layers, history and `created` left as the application's.
 */
export function mergeConfigs(
  { oldBase, application, newBase }: ConfigsToMerge,
  own: OwnSettings,
): JsonObject {
  const document = merged(
    withoutFields(oldBase.document, notMerged),
    withoutFields(application.document, notMerged),
    withoutFields(newBase.document, notMerged),
    new Set(),
  );
  const kept = Object.entries(application.document).filter(([name]) => notMerged.has(name));
  const config = mergedExecution(oldBase.execution, application.execution, newBase.execution, own);
  return inOrderOf(application.document, { ...document, ...Object.fromEntries(kept), config });
}

/** The same with its fields in the order that another document has them; further ones last. */
function inOrderOf(order: Values, document: Readonly<Record<string, Json | undefined>>): JsonObject {
  const known = Object.keys(order).filter((name) => Object.hasOwn(document, name));
  return Object.fromEntries(
    [...new Set([...known, ...Object.keys(document)])].map((name) => [name, document[name]]),
  );
}

function mergedExecution(
  oldBase: ExecutionConfig,
  application: ExecutionConfig,
  newBase: ExecutionConfig,
  own: OwnSettings,
): ExecutionConfig {
  const isOneByOne: ReadonlySet<string> = new Set(["Env", ...mapFields]);
  const setsEntrypoint =
    own.fields.has("Entrypoint") || !isDeepStrictEqual(oldBase.Entrypoint, application.Entrypoint);
  const whole = merged(
    withoutFields(oldBase, isOneByOne),
    withoutFields(application, isOneByOne),
    withoutFields(newBase, isOneByOne),
    setsEntrypoint ? new Set([...own.fields, "Cmd"]) : own.fields,
  );
  const result: ExecutionConfig = { ...whole };
  const env = mergedEnv(oldBase.Env, application.Env, newBase.Env, own.env);
  if (env.length > 0 || application.Env !== undefined) result.Env = env;
  for (const field of mapFields) {
    const values = merged(
      oldBase[field] ?? {},
      application[field] ?? {},
      newBase[field] ?? {},
      own.keys[field],
    );
    if (Object.keys(values).length > 0 || application[field] !== undefined) {
      Object.assign(result, { [field]: values });
    }
  }
  return inOrderOf(application, result);
}

/** The application's very list where the bases say the same. */
function mergedEnv(
  oldBase: readonly string[] = [],
  application: readonly string[] = [],
  newBase: readonly string[] = [],
  own: ReadonlySet<string>,
): string[] {
  if (isDeepStrictEqual(oldBase, newBase)) return [...application];
  const values = merged(envMap(oldBase), envMap(application), envMap(newBase), own);
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}

/** In the application's order; what only the new base has comes last. */
function merged(
  oldBase: Values,
  application: Values,
  newBase: Values,
  own: ReadonlySet<string>,
): Record<string, Json> {
  const names = new Set([...Object.keys(application), ...Object.keys(newBase)]);
  return Object.fromEntries(
    [...names].flatMap((name): [string, Json][] => {
      const current = ownValue(application, name);
      const isOwn = own.has(name) || !isDeepStrictEqual(current, ownValue(oldBase, name));
      const value = isOwn ? current : ownValue(newBase, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function ownValue(values: Values, name: string): Json | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function withoutFields(values: Values, names: ReadonlySet<string>): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name)));
}
