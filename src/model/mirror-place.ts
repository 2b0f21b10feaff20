import { ComposeImageError } from "./errors.ts";
import { formatLocation, parseLocation } from "./location.ts";
import { parseReference } from "./reference.ts";

/** A registry that mirrors repositories, all of them below a path or at its root. */
export interface RegistryPlace {
  readonly transport: "registry";
  /** Host with port. */
  readonly registry: string;
  /** Path that all repositories there begin with; empty for none. */
  readonly prefix: string;
}

/** A layout directory or an archive of many repositories. */
export type FilePlace =
  | { readonly transport: "oci"; readonly directory: string }
  | { readonly transport: "oci-archive"; readonly file: string };

/** A place that holds many repositories. */
export type MirrorPlace = RegistryPlace | FilePlace;

const host = /^(?:[^/]*[.:[][^/]*|localhost)(?:\/|$)/;

/**
 * Reads `[docker://]REGISTRY[/PREFIX]`, `oci:DIR` or `oci-archive:FILE`. A registry is written as in references, and has
 * always to be named.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseMirrorPlace(text: string): MirrorPlace {
  const invalid = (
    what: string,
    cause?: unknown,
    hint = "A place is REGISTRY[/PREFIX], oci:DIR or oci-archive:FILE.",
  ): ComposeImageError =>
    new ComposeImageError("REFERENCE_INVALID", `malformed place ${JSON.stringify(text)}: ${what}`, {
      hint,
      cause,
    });
  if (/^(?:oci|oci-archive|docker-archive):/.test(text)) {
    const location = parseLocation(text);
    if (location.transport === "oci" && location.tag === undefined) return location;
    if (location.transport === "oci-archive" && location.tag === undefined) return location;
    if (location.transport !== "docker-archive") throw invalid("it names an image, and all are meant");
    const what = "an archive of docker save holds no repositories";
    throw invalid(
      what,
      undefined,
      `Copy its images one by one: compose-image copy ${text} REGISTRY/NAME:TAG.`,
    );
  }
  const name = text.replace(/^docker:\/\//, "").replace(/\/$/, "");
  if (!host.test(name)) throw invalid("it names no registry");
  const isHostAlone = !name.includes("/");
  let parsed: ReturnType<typeof parseReference>;
  try {
    parsed = parseReference(isHostAlone ? `${name}/any` : name);
  } catch (cause) {
    throw invalid(cause instanceof ComposeImageError ? cause.message.replace(/^.*": /, "") : "", cause);
  }
  const { registry, tag, digest } = parsed;
  const named = (!isHostAlone && /:[^/]*$/.test(name.slice(name.indexOf("/")))) || digest !== undefined;
  if (named) throw invalid(`it names an image, ${digest ?? tag}, and all are meant`);
  return { transport: "registry", registry, prefix: isHostAlone ? "" : name.slice(name.indexOf("/") + 1) };
}

/** The place as it is written on the command line. */
export function formatMirrorPlace(place: MirrorPlace): string {
  if (place.transport !== "registry") return formatLocation(place);
  return place.prefix === "" ? place.registry : `${place.registry}/${place.prefix}`;
}
