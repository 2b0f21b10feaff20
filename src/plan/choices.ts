import { ComposeImageError } from "../model/errors.ts";
import type { MediaTypeFamily } from "../model/media-types.ts";

/** Where an image may say what it was made from. */
export const records = ["annotations", "none"] as const;

/** What manifest and configuration may be written as. */
export const formats: readonly MediaTypeFamily[] = ["oci", "docker"];

/**
 * Reads a word out of a few.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE`
 */
export function oneOf<T extends string>(value: string, allowed: readonly T[], what: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new ComposeImageError("USAGE", `${what} ${value} is not known`, {
    hint: `Use one of ${allowed.join(", ")}.`,
  });
}
