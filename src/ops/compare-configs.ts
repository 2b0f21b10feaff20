import { isDeepStrictEqual } from "node:util";
import type { ExecutionConfig, ImageConfig } from "../model/config.ts";
import type { Json } from "../model/json.ts";

/** One thing that two configurations say differently. */
export interface ConfigDifference {
  /** As the specification spells it: `Env`, `created`. */
  readonly field: string;
  /** Of a field that is a map: which of its values. */
  readonly key?: string;
  /** Absent where only the second says something. */
  readonly before?: Json;
  /** Absent where only the first does. */
  readonly after?: Json;
}

/** Fields of `config` that are compared value by value. */
const mapFields = ["Labels", "ExposedPorts", "Volumes"] as const;

/** Fields of the document that say nothing of their own: layers are compared as layers. */
const comparedElsewhere: ReadonlySet<string> = new Set(["config", "rootfs", "history"]);

/** What two configurations say differently, history and layers left out. */
export function compareConfigs(before: ImageConfig, after: ImageConfig): ConfigDifference[] {
  const [a, b] = [before.execution, after.execution];
  const perKey = new Set<string>(["Env", ...mapFields]);
  const fieldsOf = ({ document }: ImageConfig): Record<string, Json | undefined> =>
    Object.fromEntries(Object.entries(document).filter(([name]) => !comparedElsewhere.has(name)));
  const rest = (execution: ExecutionConfig): Record<string, Json | undefined> =>
    Object.fromEntries(Object.entries(execution).filter(([name]) => !perKey.has(name)));
  return [
    ...compareMaps(fieldsOf(before), fieldsOf(after)).map(({ key, ...values }) => ({
      field: key,
      ...values,
    })),
    ...compareMaps(rest(a), rest(b)).map(({ key, ...values }) => ({ field: key, ...values })),
    ...compareMaps(envMap(a.Env), envMap(b.Env)).map((each) => ({ field: "Env", ...each })),
    ...mapFields.flatMap((field) =>
      compareMaps(a[field] ?? {}, b[field] ?? {}).map((each) => ({ field, ...each })),
    ),
  ];
}

/** One key that two maps have different values for. */
export type MapDifference = Omit<ConfigDifference, "field" | "key"> & { readonly key: string };

/** What two maps say differently, in the order of the keys. */
export function compareMaps(
  before: Readonly<Record<string, Json | undefined>>,
  after: Readonly<Record<string, Json | undefined>>,
): MapDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort((a, b) => (a < b ? -1 : 1));
  return keys.flatMap((key) => {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    const current = Object.hasOwn(after, key) ? after[key] : undefined;
    if (isDeepStrictEqual(old, current)) return [];
    return [
      { key, ...(old !== undefined && { before: old }), ...(current !== undefined && { after: current }) },
    ];
  });
}

/** Variables by name; the last of a name counts, as for a program that is started with them. */
export function envMap(env: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    env.map((variable) => {
      const equals = variable.indexOf("=");
      return equals < 0 ? [variable, ""] : [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
}
