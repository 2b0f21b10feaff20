import type { Digest } from "../model/digest.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { ImageLocation } from "../model/location.ts";
import { sortedByKey } from "../model/manifest.ts";
import { familyOf, type MediaTypeFamily } from "../model/media-types.ts";
import { formatOwner } from "../model/owner.ts";
import { formatPlatform } from "../model/platform.ts";
import { formatReference } from "../model/reference.ts";
import type { ComposePlan, ConfigChanges, CopyStep } from "../plan/compose-plan.ts";
import { defaultCompression, formatCompression } from "../plan/compression.ts";
import { formatMode } from "../plan/mode.ts";
import type { ResolvedImage } from "./resolve-image.ts";
import type { PlanImages } from "./resolve-plan.ts";

/** Keys under which an image says what it was made from. Each value is JSON. */
export const recordKeys = {
  /** Images copied from: `[{reference, digest, platform}]`; the platform only where it is not the image's. */
  builders: "io.github.compose-image.builders",
  /** Copy steps: `[{from, src, dst, …}]`; `from` is a position in the builders. */
  copy: "io.github.compose-image.copy",
  /** Changes of the configuration. */
  config: "io.github.compose-image.config",
  /** How the image was written, where it is not the usual: `{compression, format, sourceDateEpoch}`. */
  options: "io.github.compose-image.options",
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
  { base, builders, platform }: PlanImages,
  family: MediaTypeFamily,
): Record<string, string> {
  const sources = [...builders.keys()];
  const config = configRecord(plan.config);
  const options = optionsRecord(plan, base, family);
  return {
    [recordKeys.builders]: JSON.stringify(
      [...builders.values()].map((builder): BuilderRecord => {
        const reference = publicReference(builder.location);
        const builderPlatform = formatPlatform(builder.config.platform);
        return {
          ...(reference !== undefined && { reference }),
          digest: builder.resolved.digest,
          ...(builderPlatform !== formatPlatform(platform) && { platform: builderPlatform }),
        };
      }),
    ),
    [recordKeys.copy]: JSON.stringify(
      plan.copies.map((copy) => ({
        from: sources.indexOf(copy.from),
        ...stepRecord(copy),
      })),
    ),
    ...(Object.keys(config).length > 0 && { [recordKeys.config]: JSON.stringify(config) }),
    ...(Object.keys(options).length > 0 && { [recordKeys.options]: JSON.stringify(options) }),
  };
}

interface BuilderRecord {
  readonly reference?: string;
  readonly digest: Digest;
  readonly platform?: string;
}

/** Whether the text is one that {@link createdBy} gives. */
export function isCreatedHere(text: string | undefined): boolean {
  return text?.endsWith(createdByMark) === true;
}

/** The text of the new layer's history entry; it names no builder, so that it depends on the copies alone. */
export function createdBy(copies: readonly CopyStep[]): string {
  const steps = copies.map((copy) => {
    const flags = [
      "--from=builder",
      ...(copy.chown === undefined ? [] : [`--chown=${formatOwner(copy.chown)}`]),
      ...(copy.chmod === undefined ? [] : [`--chmod=${copy.chmod.toString(8)}`]),
      ...copy.exclude.map((pattern) => `--exclude=${pattern}`),
      ...(copy.link ? ["--link"] : []),
    ];
    return `COPY ${flags.join(" ")} ${[...copy.sources, copy.destination].join(" ")}`;
  });
  return `${steps.join("; ")} ${createdByMark}`;
}

function stepRecord(copy: CopyStep): JsonObject {
  return {
    src: [...copy.sources],
    dst: copy.destination,
    ...(copy.chown !== undefined && { chown: formatOwner(copy.chown) }),
    ...(copy.chmod !== undefined && { chmod: formatMode(copy.chmod) }),
    ...(copy.exclude.length > 0 && { exclude: [...copy.exclude] }),
    ...(copy.link && { link: true }),
  };
}

/** The changes in a fixed order, those that change nothing left out. */
function configRecord({ env, labels, exposedPorts, volumes, ...rest }: ConfigChanges): JsonObject {
  const { workdir, user, entrypoint, cmd, stopSignal, healthcheck, shell } = rest;
  const given: Readonly<Record<keyof ConfigChanges, Json | undefined>> = {
    env: isFilled(env) ? { ...env } : undefined,
    labels: isFilled(labels) ? sortedByKey(labels) : undefined,
    exposedPorts: isFilled(exposedPorts) ? [...exposedPorts] : undefined,
    volumes: isFilled(volumes) ? [...volumes] : undefined,
    workdir,
    user,
    entrypoint: entrypoint && [...entrypoint],
    cmd: cmd && [...cmd],
    stopSignal,
    healthcheck,
    shell: shell && [...shell],
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
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

/**
 * A reference others can use; a path of this machine is none. Beside a tag the digest is left out: it is recorded by
 * itself, and the tag is what moves.
 */
function publicReference(location: ImageLocation): string | undefined {
  if (location.transport !== "registry") return undefined;
  const { registry, repository, tag } = location.reference;
  return formatReference(tag === undefined ? location.reference : { registry, repository, tag });
}
