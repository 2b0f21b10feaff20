import { ComposeImageError } from "../../../model/errors.ts";
import { formatReference, parseReference, type Reference } from "../../../model/reference.ts";
import { canonicalRegistry } from "./api-host.ts";
import type { RegistryPlace, RegistryRule } from "./registries-conf.ts";

/** Where an image is really read from. */
export interface PullPlace {
  readonly reference: Reference;
  readonly insecure: boolean;
  /** Whether it is a mirror; otherwise it is what the image's name, or its `location`, stands for. */
  readonly isMirror: boolean;
}

/** The places for one image. */
export interface PullPlaces {
  /** In the order they are tried; empty when reading the image is forbidden. */
  readonly places: readonly PullPlace[];
  /** The rule that says so, if there is one. */
  readonly rule: RegistryRule | undefined;
}

/**
 * Mirrors in their order, as far as they serve references of this kind, then the location itself. A blocked location is
 * not asked, though its mirrors are; neither is a mirror that is blocked where it is.
 *
 * @throws ComposeImageError `USAGE` when a rule makes something of the reference that is none.
 */
export function pullPlaces(reference: Reference, rules: readonly RegistryRule[]): PullPlaces {
  const name = lookupName(reference);
  const rule = ruleFor(name, rules);
  if (rule === undefined) {
    return { places: [{ reference, insecure: false, isMirror: false }], rule };
  }
  const skipped = reference.digest === undefined ? "digest-only" : "tag-only";
  const mirrors = rule.mirrors.filter(({ pulls }) => pulls !== skipped);
  const places = [
    ...mirrors.map((mirror) => ({ ...placeOf(mirror, name, rule), isMirror: true })),
    ...(rule.blocked ? [] : [{ ...placeOf(rule, name, rule, reference), isMirror: false }]),
  ];
  return {
    places: places.filter((place) => !ruleFor(lookupName(place.reference), rules)?.blocked),
    rule,
  };
}

/** The rule with the longest prefix of a reference. */
export function ruleOf(reference: Reference, rules: readonly RegistryRule[]): RegistryRule | undefined {
  return ruleFor(lookupName(reference), rules);
}

function ruleFor(name: string, rules: readonly RegistryRule[]): RegistryRule | undefined {
  return rules
    .filter(({ prefix }) => matchedLength(name, prefix) !== undefined)
    .reduce<RegistryRule | undefined>(
      (longest, rule) =>
        longest === undefined || rule.prefix.length > longest.prefix.length ? rule : longest,
      undefined,
    );
}

/** How much of the name a prefix is; a host alone does not match the same host with a port. */
function matchedLength(name: string, prefix: string): number | undefined {
  if (prefix.startsWith("*.")) {
    const host = name.split("/", 1)[0] ?? "";
    return host.endsWith(prefix.slice(1)) ? host.length : undefined;
  }
  if (!name.startsWith(prefix)) return undefined;
  const next = name.charAt(prefix.length);
  const separators = prefix.includes("/") ? ["", "/", ":", "@"] : ["", "/"];
  return separators.includes(next) ? prefix.length : undefined;
}

function placeOf(
  { location, insecure }: RegistryPlace,
  name: string,
  rule: RegistryRule,
  unchanged?: Reference,
): Omit<PullPlace, "isMirror"> {
  const isUnchanged = location === undefined || location === rule.prefix;
  if (isUnchanged && unchanged !== undefined) return { reference: unchanged, insecure };
  const text = `${location}${name.slice(matchedLength(name, rule.prefix))}`;
  const invalid = (cause?: unknown): ComposeImageError =>
    new ComposeImageError("USAGE", `${rule.file} makes ${JSON.stringify(text)} of ${name}`, {
      hint: "That is no reference with a registry: check location and prefix there.",
      cause,
    });
  let made: Reference;
  try {
    made = parseReference(text);
  } catch (cause) {
    throw invalid(cause);
  }
  if (canonicalRegistry(text.split("/", 1)[0] ?? "") !== canonicalRegistry(made.registry)) throw invalid();
  return { reference: made, insecure };
}

function lookupName(reference: Reference): string {
  return formatReference({ ...reference, registry: reference.registry.toLowerCase() });
}
