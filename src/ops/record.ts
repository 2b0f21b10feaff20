import type { JsonObject } from "../model/json.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatOwner } from "../model/owner.ts";
import { formatPlatform } from "../model/platform.ts";
import type { ComposePlan, CopySource, CopyStep } from "../plan/compose-plan.ts";
import { formatMode } from "../plan/mode.ts";
import { isTemplate, type Text, type TextTemplate } from "../plan/text.ts";
import { type ExpandedCopy, workdirsOf } from "./expand-stage.ts";
import type { ResolvedImage } from "./resolve-image.ts";
import type { PlanImages } from "./resolve-plan.ts";

/** Keys under which an image says what it was made from. Each value is JSON, or text where the name says so. */
export const recordKeys = {
  /**
   * What was copied from, and what stages are made on: images as `{reference, digest}`, directories of the machine as
   * `{local: true}`.
   */
  builders: "io.github.compose-image.builders",
  /** Stages that were copied from: `[{base, copy, …}]`; `base` is a position in the builders, absent for scratch. */
  stages: "io.github.compose-image.stages",
  /** Copy steps: `[{from, src, dst, …}]`; `from` is a position in the builders, `stage` in its place one in the stages. */
  copy: "io.github.compose-image.copy",
  /** Changes of the configuration. */
  config: "io.github.compose-image.config",
} as const;

/** Keys under which an image names its base. */
export const baseKeys = {
  name: "org.opencontainers.image.base.name",
  digest: "org.opencontainers.image.base.digest",
} as const;

/** Annotations that name the base. */
export function baseAnnotations(base: ResolvedImage | undefined): Record<string, string> {
  if (base === undefined) return {};
  const reference = publicReference(base.location);
  return {
    [baseKeys.digest]: base.resolved.digest,
    ...(reference !== undefined && { [baseKeys.name]: reference }),
  };
}

/**
 * What the image was made from, for annotations or labels. It holds no targets, no paths of the host, no options of
 * the transport.
 */
export function recordAnnotations(plan: ComposePlan, images: PlanImages): Record<string, string> {
  const stages = [...images.stages.keys()];
  const origins = originsOf(plan, images);
  const copyRecords = (copies: readonly CopyStep[]): object[] =>
    copies.map((copy) => ({
      ...(copy.from.kind === "stage"
        ? { stage: stages.indexOf(copy.from.stage) }
        : { from: origins.indexOf(images.builders.get(copy.from) ?? copy.from) }),
      ...stepRecord(copy),
    }));
  const stageRecords = stages.map((stage): object => {
    const base = images.stages.get(stage)?.base;
    const workdir = workdirsOf(stage.config);
    return {
      ...(base !== undefined && { base: origins.indexOf(base) }),
      ...(stage.platform !== undefined && { platform: formatPlatform(stage.platform) }),
      ...(workdir.length > 0 && { workdir: workdir.map(textRecord) }),
      copy: copyRecords(stage.copies),
    };
  });
  return {
    [recordKeys.builders]: JSON.stringify(
      origins.map((origin): JsonObject => ("kind" in origin ? { local: true } : imageRecord(origin))),
    ),
    ...(stages.length > 0 && { [recordKeys.stages]: JSON.stringify(stageRecords) }),
    [recordKeys.copy]: JSON.stringify(copyRecords(plan.copies)),
    ...(Object.keys(plan.config).length > 0 && {
      [recordKeys.config]: JSON.stringify(plan.config, (_, value: Text) => textRecord(value)),
    }),
  };
}

/** Images and directories, each once: first what the plan's own steps are from, then what its stages are. */
function originsOf(plan: ComposePlan, { builders, stages }: PlanImages): (ResolvedImage | CopySource)[] {
  const sources = [plan, ...stages.keys()].flatMap(({ copies }) => copies.map(({ from }) => from));
  const used = sources.flatMap((source) => (source.kind === "stage" ? [] : (builders.get(source) ?? source)));
  const bases = [...stages.values()].flatMap(({ base }) => base ?? []);
  return [...new Set([...used, ...bases])];
}

/** The text of the new layer's history entry; it names no builder, so that it depends on the copies alone. */
export function createdBy(copies: readonly ExpandedCopy[]): string {
  const steps = copies.map((copy) => {
    const flags = [
      ...(copy.from.kind === "local" ? [] : ["--from=builder"]),
      ...(copy.chown === undefined ? [] : [`--chown=${formatOwner(copy.chown)}`]),
      ...(copy.chmod === undefined ? [] : [`--chmod=${copy.chmod.toString(8)}`]),
      ...copy.exclude.map((pattern) => `--exclude=${pattern}`),
      ...(copy.link ? ["--link"] : []),
      ...(copy.parents === true ? ["--parents"] : []),
    ];
    return ["COPY", ...flags, ...copy.sources, copy.destination].join(" ");
  });
  return `${steps.join("; ")} # compose-image`;
}

function imageRecord({ location, resolved }: ResolvedImage): JsonObject {
  const reference = publicReference(location);
  return { ...(reference !== undefined && { reference }), digest: resolved.digest };
}

function stepRecord(copy: CopyStep): object {
  const { chown, chmod } = copy;
  return {
    src: copy.sources.map(textRecord),
    dst: textRecord(copy.destination),
    ...(copy.workdir !== undefined && { workdir: copy.workdir.map(textRecord) }),
    ...(chown !== undefined && { chown: textRecord(isTemplate(chown) ? chown : formatOwner(chown)) }),
    ...(chmod !== undefined && { chmod: textRecord(isTemplate(chmod) ? chmod : formatMode(chmod)) }),
    ...(copy.exclude.length > 0 && { exclude: copy.exclude.map(textRecord) }),
    ...(copy.link && { link: true }),
    ...(copy.parents === true && { parents: true }),
  };
}

/** A template without the place it was written at, which is one of this machine; all else as it is. */
function textRecord<T>(text: T | TextTemplate): T | Pick<TextTemplate, "parts"> {
  return isTemplate(text) ? { parts: text.parts } : text;
}

/** A reference others can use; a path of this machine is none. */
function publicReference(location: ImageLocation): string | undefined {
  return location.transport === "registry" ? formatLocation(location) : undefined;
}
