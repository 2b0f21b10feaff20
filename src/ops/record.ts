import type { Digest } from "../model/digest.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatOwner } from "../model/owner.ts";
import type { ComposePlan, CopyStep } from "../plan/compose-plan.ts";
import { formatMode } from "../plan/mode.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** Keys under which an image says what it was made from. Each value is JSON, or text where the name says so. */
export const recordKeys = {
  /** Images copied from: `[{reference, digest}]`. */
  builders: "io.github.compose-image.builders",
  /** Copy steps: `[{from, src, dst, …}]`; `from` is a position in the builders. */
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
export function recordAnnotations(
  plan: ComposePlan,
  builders: readonly ResolvedImage[],
): Record<string, string> {
  return {
    [recordKeys.builders]: JSON.stringify(
      builders.map(({ location, resolved }): { reference?: string; digest: Digest } => {
        const reference = publicReference(location);
        return { ...(reference !== undefined && { reference }), digest: resolved.digest };
      }),
    ),
    [recordKeys.copy]: JSON.stringify(
      plan.copies.map((copy) => ({
        from: builders.findIndex(({ location }) => location === copy.from),
        ...stepRecord(copy),
      })),
    ),
    ...(Object.keys(plan.config).length > 0 && { [recordKeys.config]: JSON.stringify(plan.config as Json) }),
  };
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
  return `${steps.join("; ")} # compose-image`;
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

/** A reference others can use; a path of this machine is none. */
function publicReference(location: ImageLocation): string | undefined {
  return location.transport === "registry" ? formatLocation(location) : undefined;
}
