import { isJsonObject, isStringList, type JsonObject, jsonOf } from "../model/json.ts";
import { familyOf } from "../model/media-types.ts";
import { type OwnerSpec, parseOwner } from "../model/owner.ts";
import { completeHistory } from "./derive-config.ts";
import type { TreeImage } from "./image-tree.ts";
import type { OwnSettings } from "./merge-configs.ts";
import { recordKeys } from "./record.ts";

/** One copy step that an image says it was made by. */
export interface RecordedStep {
  readonly sources: readonly string[];
  /** Relative ones are meant from the working directory. */
  readonly destination: string;
  /** Working directories set before the step, each meant from the one before; none where the image's own counts. */
  readonly workdirs: readonly string[];
  readonly chown: OwnerSpec | undefined;
  readonly chmod: number | undefined;
  readonly link: boolean;
}

/** A layer that composing made. */
export interface ComposedLayer {
  /** From the bottom. */
  readonly position: number;
  /** `undefined` where it cannot be told for sure. */
  readonly steps: readonly RecordedStep[] | undefined;
}

/** What ends the text of a composed layer's history entry. */
const composedMark = / # compose-image$/;

/**
 * Where an image says something of itself: in annotations; in Docker's format, which has none, in labels. Labels are
 * inherited, so that elsewhere those of a base would speak for an image on it.
 */
export function saidOf({ manifest, config }: TreeImage): Readonly<Record<string, string>> {
  return familyOf(manifest.mediaType) === "oci" ? manifest.annotations : (config.execution.Labels ?? {});
}

/**
 * The layers of an image that composing made, from a position on. Steps are those of the record, for the uppermost; else
 * they are read out of the history.
 */
export function composedLayers(image: TreeImage, from: number): ComposedLayer[] {
  const entries = completeHistory(image.config).filter(({ empty_layer }) => empty_layer !== true);
  const composed = entries.flatMap(({ created_by }, position) =>
    position >= from && typeof created_by === "string" && composedMark.test(created_by)
      ? [{ position, steps: stepsOfHistory(created_by) }]
      : [],
  );
  const recorded = recordedSteps(saidOf(image)[recordKeys.copy]);
  if (recorded === undefined) return composed;
  const position = composed.at(-1)?.position ?? image.config.diffIds.length - 1;
  if (position < from) return [];
  return [...composed.slice(0, -1), { position, steps: recorded }];
}

/** Values that the record says were set when the image was composed. */
export function recordedSettings(image: TreeImage): OwnSettings {
  const changes = jsonOf(saidOf(image)[recordKeys.config]);
  const record = isJsonObject(changes) ? changes : {};
  const { env, labels, exposedPorts, volumes } = record;
  const fields = Object.entries(fieldsOfSettings).flatMap(([setting, field]) =>
    record[setting] === undefined ? [] : [field],
  );
  return {
    fields: new Set(fields),
    env: new Set(keysOf(env)),
    keys: {
      Labels: new Set(keysOf(labels)),
      ExposedPorts: new Set(listOf(exposedPorts)),
      Volumes: new Set(listOf(volumes)),
    },
  };
}

const fieldsOfSettings: Readonly<Record<string, string>> = {
  workdir: "WorkingDir",
  user: "User",
  entrypoint: "Entrypoint",
  cmd: "Cmd",
  stopSignal: "StopSignal",
  healthcheck: "Healthcheck",
  shell: "Shell",
};

function keysOf(value: unknown): string[] {
  return isJsonObject(value) ? Object.keys(value) : [];
}

function listOf(value: unknown): readonly string[] {
  return isStringList(value) ? value : [];
}

/** `undefined` where there is no record, or one that says something unknown. */
function recordedSteps(text: string | undefined): readonly RecordedStep[] | undefined {
  const steps = jsonOf(text);
  if (!Array.isArray(steps)) return undefined;
  const read = steps.map((step) => (isJsonObject(step) ? recordedStep(step) : undefined));
  return read.every((step) => step !== undefined) ? read : undefined;
}

function recordedStep({ src, dst, workdir = [], chown, chmod, link }: JsonObject): RecordedStep | undefined {
  if (!isStringList(src) || typeof dst !== "string" || !isStringList(workdir)) return undefined;
  if (chown !== undefined && typeof chown !== "string") return undefined;
  if (chmod !== undefined && typeof chmod !== "string") return undefined;
  return stepOf(src, dst, { workdirs: workdir, chown, chmod, link: link === true });
}

interface StepFlags {
  readonly workdirs: readonly string[];
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly link: boolean;
}

function stepOf(
  sources: readonly string[],
  destination: string,
  { workdirs, chown, chmod, link }: StepFlags,
): RecordedStep | undefined {
  try {
    return {
      sources,
      destination,
      workdirs,
      chown: chown === undefined ? undefined : parseOwner(chown),
      chmod: chmod === undefined ? undefined : Number.parseInt(chmod, 8),
      link,
    };
  } catch {
    return undefined;
  }
}

/** Steps out of a history entry's text; `undefined` where names with spaces could make them something else. */
function stepsOfHistory(createdBy: string): readonly RecordedStep[] | undefined {
  const texts = createdBy.replace(composedMark, "").split("; ");
  const steps = texts.map((text) => {
    const [, words] = /^COPY (.+)$/s.exec(text) ?? [];
    const parts = (words ?? "").split(" ");
    const flags = parts.filter((part) => part.startsWith("--"));
    const paths = parts.slice(flags.length);
    const destination = paths.at(-1);
    const isPlain = paths.length >= 2 && paths.every((path) => path.startsWith("/"));
    if (!isPlain || destination === undefined) return undefined;
    const flagValue = (flag: string): string | undefined =>
      flags.find((each) => each.startsWith(`${flag}=`))?.slice(flag.length + 1);
    return stepOf(paths.slice(0, -1), destination, {
      workdirs: [],
      chown: flagValue("--chown"),
      chmod: flagValue("--chmod"),
      link: flags.includes("--link"),
    });
  });
  return steps.every((step) => step !== undefined) ? steps : undefined;
}
