import type { JsonObject } from "../model/json.ts";
import type { ImageLocation } from "../model/location.ts";
import { sortedByKey } from "../model/manifest.ts";
import { familyOf, type MediaTypeFamily } from "../model/media-types.ts";
import { formatOwner } from "../model/owner.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { formatReference } from "../model/reference.ts";
import type { ComposePlan, ConfigChanges, CopySource, CopyStep } from "../plan/compose-plan.ts";
import { defaultCompression, formatCompression } from "../plan/compression.ts";
import { formatMode } from "../plan/mode.ts";
import { isTemplate, type Text, type TextTemplate } from "../plan/text.ts";
import { type ExpandedCopy, workdirsOf } from "./expand-stage.ts";
import type { ResolvedImage } from "./resolve-image.ts";
import type { PlanImages } from "./resolve-plan.ts";

/** Keys under which an image says what it was made from. Each value is JSON. */
export const recordKeys = {
  /**
   * What was copied from, and what stages are made on: images as `{reference, digest, platform}`, the platform only where
   * it is not the image's; directories of the machine as `{local: true}`.
   */
  builders: "io.github.compose-image.builders",
  /** Stages that were copied from: `[{base, copy, …}]`; `base` is a position in the builders, absent for scratch. */
  stages: "io.github.compose-image.stages",
  /** Copy steps: `[{from, src, dst, …}]`; `from` is a position in the builders, `stage` in its place one in the stages. */
  copy: "io.github.compose-image.copy",
  /** Changes of the configuration. */
  config: "io.github.compose-image.config",
  /** How the image was written, where it is not the usual: `{compression, format, sourceDateEpoch}`. */
  options: "io.github.compose-image.options",
  /**
   * What the new layer has from the base: `{layer, entries, owners}`. The layer is named by its diffID. Entries are by path:
   * `0755 0:0` for directories, `0755 0:0 closed` where more is in them, the type for all else. Owners are `UID:GID`.
   */
  ground: "io.github.compose-image.ground",
} as const;

/** Keys that name the base; each value is text. */
export const baseKeys = {
  name: "org.opencontainers.image.base.name",
  digest: "org.opencontainers.image.base.digest",
} as const;

const createdByMark = "# compose-image";

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
 * What the image was made from, for annotations or labels: what decides its bytes, and nothing else. It holds no targets,
 * no paths of the host, no options of the transport. Plans that come to the same give the same text.
 *
 * @param family of the image.
 */
export function recordAnnotations(
  plan: ComposePlan,
  images: PlanImages,
  family: MediaTypeFamily,
): Record<string, string> {
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
  const config = configRecord(plan.config);
  const options = optionsRecord(plan, images.base, family);
  return {
    [recordKeys.builders]: JSON.stringify(
      origins.map(
        (origin): JsonObject => ("kind" in origin ? { local: true } : imageRecord(origin, images.platform)),
      ),
    ),
    ...(stages.length > 0 && { [recordKeys.stages]: JSON.stringify(stageRecords) }),
    [recordKeys.copy]: JSON.stringify(copyRecords(plan.copies)),
    ...(Object.keys(config).length > 0 && {
      [recordKeys.config]: JSON.stringify(config, (_, value: Text) => textRecord(value)),
    }),
    ...(Object.keys(options).length > 0 && { [recordKeys.options]: JSON.stringify(options) }),
  };
}

/** Whether the text is one that {@link createdBy} gives. */
export function isCreatedHere(text: string | undefined): boolean {
  return text?.endsWith(createdByMark) === true;
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
  return `${steps.join("; ")} ${createdByMark}`.trimStart();
}

function imageRecord({ location, resolved, config }: ResolvedImage, usual: Platform): JsonObject {
  const reference = publicReference(location);
  const platform = formatPlatform(config.platform);
  return {
    ...(reference !== undefined && { reference }),
    digest: resolved.digest,
    ...(platform !== formatPlatform(usual) && { platform }),
  };
}

/** The changes in a fixed order; those that change nothing are left out. */
function configRecord({ env, labels, exposedPorts, volumes, ...rest }: ConfigChanges): ConfigChanges {
  const { workdir, user, entrypoint, cmd, stopSignal, healthcheck, shell, author } = rest;
  return {
    ...(isFilled(env) && { env }),
    ...(isFilled(labels) && { labels: sortedByKey(labels) }),
    ...(isFilled(exposedPorts) && { exposedPorts }),
    ...(isFilled(volumes) && { volumes }),
    ...(workdir !== undefined && { workdir }),
    ...(user !== undefined && { user }),
    ...(entrypoint !== undefined && { entrypoint }),
    ...(cmd !== undefined && { cmd }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(healthcheck !== undefined && { healthcheck }),
    ...(shell !== undefined && { shell }),
    ...(author !== undefined && { author }),
  };
}

function isFilled<T extends object>(items: T | undefined): items is T {
  return items !== undefined && Object.keys(items).length > 0;
}

function optionsRecord(
  { compression, sourceDateEpoch }: ComposePlan,
  base: ResolvedImage | undefined,
  family: MediaTypeFamily,
): JsonObject {
  const usual = base === undefined ? "oci" : familyOf(base.manifest.mediaType);
  const compressed = formatCompression(compression);
  return {
    ...(compressed !== formatCompression(defaultCompression) && { compression: compressed }),
    ...(family !== usual && { format: family }),
    ...(sourceDateEpoch !== undefined && { sourceDateEpoch }),
  };
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

/**
 * A reference others can use; a path of this machine is none. Beside a tag the digest is left out: it is recorded by
 * itself, and the tag is what moves.
 */
function publicReference(location: ImageLocation): string | undefined {
  if (location.transport !== "registry") return undefined;
  const { registry, repository, tag } = location.reference;
  return formatReference(tag === undefined ? location.reference : { registry, repository, tag });
}
