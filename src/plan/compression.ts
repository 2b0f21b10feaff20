import { ComposeImageError } from "../model/errors.ts";
import type { Compression } from "./compose-plan.ts";

const defaultGzipLevel = 6;

/** What `gzip`, `gzip:LEVEL` and `none` are written like. */
export const compressionPattern = "^(?:gzip(?::[0-9])?|none)$";

/** What is used where nothing is said. */
export const defaultCompression: Compression = { algorithm: "gzip", level: defaultGzipLevel };

/**
 * Reads `gzip`, `gzip:LEVEL` (0 to 9) or `none`.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE`
 */
export function parseCompression(text: string, what: string): Compression {
  if (text === "none") return { algorithm: "none" };
  const match = /^gzip(?::([0-9]))?$/.exec(text);
  if (match === null) {
    throw new ComposeImageError("USAGE", `${what} ${text} is not known`, {
      hint: "Use gzip, gzip:LEVEL with a level from 0 to 9, or none.",
    });
  }
  return { algorithm: "gzip", level: match[1] === undefined ? defaultGzipLevel : Number(match[1]) };
}

/** The compression as {@link parseCompression} reads it. */
export function formatCompression(compression: Compression): string {
  return compression.algorithm === "none" ? "none" : `gzip:${compression.level}`;
}
