import type { Digest } from "../model/digest.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatOwner } from "../model/owner.ts";
import type { ComposePlan, CopySource, CopyStep } from "../plan/compose-plan.ts";
import { formatMode } from "../plan/mode.ts";
import { isTemplate, type Text, type TextTemplate } from "../plan/text.ts";
import type { ExpandedCopy } from "./expand-stage.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** Keys under which an image says what it was made from. Each value is JSON, or text where the name says so. */
const recordKeys = {
  /** Images copied from: `[{reference, digest}]`. */
  builders: "io.github.compose-image.builders",
  /** Copy steps: `[{from, src, dst, …}]`; `from` is a position in the builders. */
  copy: "io.github.compose-image.copy",
  /** Changes of the configuration. */
  config: "io.github.compose-image.config",
} as const;

/** Annotations that name the base. */
export function baseAnnotations(base: ResolvedImage | undefined): Record<string, string> {
  if (base === undefined) return {};
  const reference = publicReference(base.location);
  return {
    "org.opencontainers.image.base.digest": base.resolved.digest,
    ...(reference !== undefined && { "org.opencontainers.image.base.name": reference }),
  };
}

/**
 * What the image was made from, for annotations or labels. It holds no targets, no paths of the host, no options of
 * the transport.
 */
export function recordAnnotations(
  plan: ComposePlan,
  builders: ReadonlyMap<CopySource, ResolvedImage>,
): Record<string, string> {
  const sources = [...builders.keys()];
  return {
    [recordKeys.builders]: JSON.stringify(
      [...builders.values()].map(({ location, resolved }): { reference?: string; digest: Digest } => {
        const reference = publicReference(location);
        return { ...(reference !== undefined && { reference }), digest: resolved.digest };
      }),
    ),
    [recordKeys.copy]: JSON.stringify(
      plan.copies.map((copy) => ({
        from: sources.indexOf(copy.from),
        ...stepRecord(copy),
      })),
    ),
    ...(Object.keys(plan.config).length > 0 && {
      [recordKeys.config]: JSON.stringify(plan.config, (_, value: Text) => textRecord(value)),
    }),
  };
}

/** The text of the new layer's history entry; it names no builder, so that it depends on the copies alone. */
export function createdBy(copies: readonly ExpandedCopy[]): string {
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
