import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ExecutionConfig, HistoryEntry, ImageConfig } from "../model/config.ts";
import type { JsonObject } from "../model/json.ts";
import type { ConfigEdit, RemovableField } from "../plan/config-edit.ts";
import { changedExecution, completeHistory } from "./derive-config.ts";

/** At the end of the history's text of an edit. */
const editMark = "# compose-image config";

const fieldNames: Readonly<Record<RemovableField, string>> = {
  entrypoint: "Entrypoint",
  cmd: "Cmd",
  user: "User",
  workdir: "WorkingDir",
  "stop-signal": "StopSignal",
  healthcheck: "Healthcheck",
  shell: "Shell",
};

/**
 * An existing image's configuration with changes, unknown fields kept. Like an instruction of a Dockerfile that makes no
 * layer, they get an entry in the history.
 *
 * @param created RFC 3339, the image's time from now on; by default it stays as it is.
 * @returns `undefined` where nothing would change.
 */
export function editConfig(
  config: ImageConfig,
  edit: ConfigEdit,
  created: string | undefined,
): JsonObject | undefined {
  const { document } = config;
  const execution = editedExecution(config.execution, edit);
  if (isDeepStrictEqual(execution, config.execution)) return undefined;
  const time = created ?? config.created;
  const entry: HistoryEntry = {
    ...(time !== undefined && { created: time }),
    created_by: `${stepsOf(edit).join("; ")} ${editMark}`,
    empty_layer: true,
  };
  return {
    ...document,
    ...(time !== undefined && { created: time }),
    config: execution,
    history: [...completeHistory(config), entry],
  };
}

function editedExecution(own: ExecutionConfig, { changes, removed }: ConfigEdit): ExecutionConfig {
  const kept = withoutRemoved(own, removed);
  const { workdir } = changes;
  return changedExecution(kept, {
    ...changes,
    ...(workdir !== undefined && { workdir: posix.resolve("/", kept.WorkingDir || "/", workdir) }),
  });
}

function withoutRemoved(own: ExecutionConfig, removed: ConfigEdit["removed"]): ExecutionConfig {
  const gone = new Set(removed.fields.map((field) => fieldNames[field]));
  const rest: ExecutionConfig = Object.fromEntries(Object.entries(own).filter(([name]) => !gone.has(name)));
  const { Env, Labels, ExposedPorts, Volumes } = rest;
  return {
    ...rest,
    ...(Env !== undefined && {
      Env: Env.filter((item) => !removed.env.includes(item.split("=", 1)[0] ?? "")),
    }),
    ...(Labels !== undefined && { Labels: withoutKeys(Labels, removed.labels) }),
    ...(ExposedPorts !== undefined && { ExposedPorts: withoutKeys(ExposedPorts, removed.exposedPorts) }),
    ...(Volumes !== undefined && { Volumes: withoutKeys(Volumes, removed.volumes) }),
  };
}

/** A map without some of its keys. */
export function withoutKeys<T>(map: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** The changes in the words of a Dockerfile, removals as `UNSET`. */
function stepsOf({ changes, removed }: ConfigEdit): string[] {
  const { env = {}, labels = {}, exposedPorts = [], volumes = [] } = changes;
  const { workdir, user, entrypoint, cmd, stopSignal } = changes;
  const pairs = (map: Readonly<Record<string, string>>): string[] =>
    Object.entries(map).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const steps: readonly (readonly [string, readonly string[]])[] = [
    ["UNSET", removed.fields],
    ["UNSET ENV", removed.env],
    ["UNSET LABEL", removed.labels],
    ["UNSET EXPOSE", removed.exposedPorts],
    ["UNSET VOLUME", removed.volumes],
    ["ENV", pairs(env)],
    ["LABEL", pairs(labels)],
    ["EXPOSE", exposedPorts],
    ["VOLUME", volumes],
    ["WORKDIR", workdir === undefined ? [] : [workdir]],
    ["USER", user === undefined ? [] : [user]],
    ["ENTRYPOINT", entrypoint === undefined ? [] : [JSON.stringify(entrypoint)]],
    ["CMD", cmd === undefined ? [] : [JSON.stringify(cmd)]],
    ["STOPSIGNAL", stopSignal === undefined ? [] : [stopSignal]],
  ];
  return steps.flatMap(([name, values]) => (values.length === 0 ? [] : [`${name} ${values.join(" ")}`]));
}

/** What an edit did, out of its history entry; `undefined` for an entry of anything else. */
export function editOf({ created_by: text, empty_layer: isEmpty }: HistoryEntry): string | undefined {
  return isEmpty === true && text?.endsWith(` ${editMark}`) ? text.slice(0, -editMark.length - 1) : undefined;
}
