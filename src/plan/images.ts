import { ComposeImageError } from "../model/errors.ts";
import { type ImageLocation, parseLocation } from "../model/location.ts";
import type { BaseImage } from "./compose-plan.ts";
import { within } from "./within.ts";

/** The directory that `local:DIR` names; `undefined` where something else is written. */
export function localDirectory(text: string): string | undefined {
  return text.startsWith("local:") ? text.slice("local:".length) : undefined;
}

/**
 * Reads an image's reference or layout.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseImage(text: string, what: string): ImageLocation {
  if (localDirectory(text) !== undefined) {
    throw new ComposeImageError(
      "REFERENCE_INVALID",
      `${what} ${text} is a directory of this machine, and no image`,
      {
        hint: `Directories can only be copied from. An image of the name local is written docker.io/library/${text}.`,
      },
    );
  }
  return within(what, () => parseLocation(text));
}

/**
 * Reads an image to build on, or `scratch`.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseBase(text: string, what: string): BaseImage {
  return text === "scratch" ? { kind: "scratch" } : { kind: "image", location: parseImage(text, what) };
}

/**
 * Reads a place to push to.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`; `USAGE` for a digest, which nobody can know beforehand.
 */
export function parseTarget(text: string, what: string): ImageLocation {
  const location = parseImage(text, what);
  expectTarget(location, what, text);
  return location;
}

/**
 * Refuses an image that cannot be pushed to.
 *
 * @param text the image as it was written.
 * @throws ComposeImageError `USAGE` for a digest.
 */
export function expectTarget(location: ImageLocation, what: string, text: string): void {
  if (location.transport !== "registry" || location.reference.digest === undefined) return;
  throw new ComposeImageError(
    "USAGE",
    `${what} ${text} has a digest, which only the composed bytes can decide`,
    { hint: "Leave out the part from @ on." },
  );
}
