import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation, parseLocation } from "../model/location.ts";
import type { ComposePlan } from "./compose-plan.ts";
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
 * The plan with replacements in every reference to a registry: builders, base and targets. Of several that fit, the one
 * that replaces most counts. Locations that copy steps share stay shared.
 *
 * @throws ComposeImageError `REFERENCE_INVALID` for what is no reference afterwards.
 */
export function replaceReferences(plan: ComposePlan, replacements: readonly Replacement[]): ComposePlan {
  if (replacements.length === 0) return plan;
  const known = new Map<ImageLocation, ImageLocation>();
  const replaced = (location: ImageLocation): ImageLocation => {
    const next = known.get(location) ?? replaceIn(location, replacements);
    known.set(location, next);
    return next;
  };
  const { base, copies, targets } = plan;
  return {
    ...plan,
    base: base.kind === "scratch" ? base : { ...base, location: replaced(base.location) },
    copies: copies.map((copy) => ({ ...copy, from: replaced(copy.from) })),
    targets: targets.map(replaced),
  };
}

function replaceIn(location: ImageLocation, replacements: readonly Replacement[]): ImageLocation {
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
