import type { ExecutionConfig, HistoryEntry, ImageConfig } from "../model/config.ts";
import type { Digest } from "../model/digest.ts";
import type { JsonObject } from "../model/json.ts";
import { sortedByKey } from "../model/manifest.ts";
import type { ExpandedConfig } from "./expand-stage.ts";
import { recordKeys } from "./record.ts";

/** The new layer's place in the configuration. */
export interface AddedLayer {
  readonly diffId: Digest;
  /** RFC 3339; also the image's `created`. */
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string | undefined;
}

/**
 * The composed image's configuration: the base's, unknown fields kept, with the changes and one more layer.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export function deriveConfig(base: ImageConfig, changes: ExpandedConfig, layer: AddedLayer): JsonObject {
  const { document } = base;
  const added: HistoryEntry = {
    created: layer.created,
    created_by: layer.createdBy,
    ...(layer.comment !== undefined && { comment: layer.comment }),
  };
  return {
    ...document,
    created: layer.created,
    ...(changes.author !== undefined && { author: changes.author }),
    architecture: base.platform.architecture,
    os: base.platform.os,
    config: changedExecution(withoutRecord(base.execution), changes),
    rootfs: { type: "layers", diff_ids: [...base.diffIds, layer.diffId] },
    history: [...completeHistory(base), added],
  };
}

/** What a container starts with, after the changes. */
export function changedExecution(base: ExecutionConfig, changes: ExpandedConfig): ExecutionConfig {
  const { env, labels, exposedPorts, volumes, workdir, user, entrypoint, cmd } = changes;
  const { stopSignal, healthcheck, shell } = changes;
  const { Cmd: baseCmd, ...rest } = base;
  const keptCmd = entrypoint === undefined ? baseCmd : undefined;
  const nextCmd = cmd === undefined ? keptCmd : [...cmd];
  return {
    ...rest,
    ...(nextCmd !== undefined && { Cmd: nextCmd }),
    ...(env !== undefined && { Env: mergedEnv(base.Env ?? [], env) }),
    ...(labels !== undefined && { Labels: { ...base.Labels, ...sortedByKey(labels) } }),
    ...(exposedPorts !== undefined && { ExposedPorts: withKeys(base.ExposedPorts, exposedPorts) }),
    ...(volumes !== undefined && { Volumes: withKeys(base.Volumes, volumes) }),
    ...(workdir !== undefined && { WorkingDir: workdir }),
    ...(user !== undefined && { User: user }),
    ...(entrypoint !== undefined && { Entrypoint: [...entrypoint] }),
    ...(stopSignal !== undefined && { StopSignal: stopSignal }),
    ...(healthcheck !== undefined && { Healthcheck: healthcheck }),
    ...(shell !== undefined && { Shell: [...shell] }),
  };
}

/** What the base's labels say it was made from is not true of the image. */
function withoutRecord(base: ExecutionConfig): ExecutionConfig {
  const keys: readonly string[] = Object.values(recordKeys);
  const { Labels } = base;
  if (Labels === undefined) return base;
  return {
    ...base,
    Labels: Object.fromEntries(Object.entries(Labels).filter(([key]) => !keys.includes(key))),
  };
}

/** A set as the configuration writes it: names with empty objects. */
function withKeys(
  base: Readonly<Record<string, JsonObject>> | undefined,
  added: readonly string[],
): Record<string, JsonObject> {
  return { ...base, ...Object.fromEntries(added.map((name) => [name, {}])) };
}

/** Variables the base has keep their place, the first where it has one twice; new ones follow in the order given. */
function mergedEnv(base: readonly string[], env: Readonly<Record<string, string>>): string[] {
  const changed = new Map(Object.entries(env));
  const waiting = new Map(changed);
  const kept = base.flatMap((variable) => {
    const name = variable.split("=", 1)[0] ?? variable;
    if (!changed.has(name)) return variable;
    const value = waiting.get(name);
    waiting.delete(name);
    return value === undefined ? [] : `${name}=${value}`;
  });
  return [...kept, ...[...waiting].map(([name, value]) => `${name}=${value}`)];
}

/** History entries that have a layer must be as many as the layers: old tools left some out. */
export function completeHistory(base: ImageConfig): HistoryEntry[] {
  const withLayer = base.history.filter((entry) => entry.empty_layer !== true).length;
  const missing = Math.max(0, base.diffIds.length - withLayer);
  const filler: HistoryEntry = {
    ...(base.created !== undefined && { created: base.created }),
    comment: "layer without history",
  };
  return [...base.history, ...Array.from({ length: missing }, () => filler)];
}
