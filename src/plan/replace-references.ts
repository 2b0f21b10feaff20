import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation, parseLocation } from "../model/location.ts";
import type { BaseImage, ComposePlan, CopySource, CopyStep, Stage } from "./compose-plan.ts";
import { within } from "./within.ts";

/** What `--replace FROM=TO` says. */
export interface Replacement {
  /** What is replaced, as typed. */
  readonly given: string;
  /** Its spellings: as typed, and as a reference of Docker Hub. */
  readonly from: readonly string[];
  readonly to: string;
}

/**
 * Reads `FROM=TO`. FROM is a registry's host, with or without the beginning of a path, or a whole name, with or without
 * its tag; without a host it is Docker Hub's, as in any reference.
 *
 * @throws ComposeImageError `USAGE`
 */
export function parseReplacement(text: string): Replacement {
  const [, given = "", to = ""] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  const from = given.replace(/\/+$/, "");
  if (from === "" || to === "") {
    throw new ComposeImageError("USAGE", `--replace ${text} is not FROM=TO`, {
      hint: "Write a host, the beginning of a name, or a name: --replace docker.io/library=registry.example/mirror.",
    });
  }
  const [first = "", ...path] = from.split("/");
  const hasHost = path.length > 0 && (/[.:[]/.test(first) || first === "localhost");
  const onHub = path.length > 0 ? `docker.io/${from}` : `docker.io/library/${from}`;
  return { given: from, from: hasHost ? [from] : [from, onHub], to: to.replace(/\/+$/, "") };
}

/**
 * The plan with replacements in every reference to a registry: builders, bases and targets, those of other stages too.
 * Of several that fit, the one that replaces most counts. What copy steps share stays shared.
 *
 * @throws ComposeImageError `REFERENCE_INVALID` for what is no reference afterwards.
 */
export function replaceReferences(plan: ComposePlan, replacements: readonly Replacement[]): ComposePlan {
  if (replacements.length === 0) return plan;
  const replaced = (location: ImageLocation): ImageLocation => replaceLocation(location, replacements);
  const known = new Map<CopySource, CopySource>();
  const replacedBase = (base: BaseImage): BaseImage =>
    base.kind === "scratch" ? base : { ...base, location: replaced(base.location) };
  const replacedSource = (source: CopySource): CopySource => {
    if (source.kind === "image") return { ...source, location: replaced(source.location) };
    return source.kind === "stage" ? { ...source, stage: replacedStage(source.stage) } : source;
  };
  const replacedCopy = (copy: CopyStep): CopyStep => {
    const from = known.get(copy.from) ?? replacedSource(copy.from);
    known.set(copy.from, from);
    return { ...copy, from };
  };
  const replacedStage = <S extends Stage>(stage: S): S => ({
    ...stage,
    base: replacedBase(stage.base),
    copies: stage.copies.map(replacedCopy),
  });
  return { ...replacedStage(plan), targets: plan.targets.map(replaced) };
}

/** The location with the replacement in it that replaces most of it. */
export function replaceLocation(
  location: ImageLocation,
  replacements: readonly Replacement[],
): ImageLocation {
  if (location.transport !== "registry") return location;
  const name = formatLocation(location);
  let best: { readonly from: string; readonly replacement: Replacement } | undefined;
  for (const replacement of replacements) {
    for (const from of replacement.from) {
      if (fits(name, from) && from.length > (best?.from.length ?? 0)) best = { from, replacement };
    }
  }
  if (best === undefined) return location;
  const { from, replacement } = best;
  return within(`--replace ${replacement.given}`, () =>
    parseLocation(`${replacement.to}${name.slice(from.length)}`),
  );
}

/** Whether the name begins with all of a host, path or name; a host is never taken for one with a port. */
function fits(name: string, from: string): boolean {
  if (!name.startsWith(from)) return false;
  const next = name.charAt(from.length);
  return from.includes("/") ? ["", "/", ":", "@"].includes(next) : next === "/";
}
