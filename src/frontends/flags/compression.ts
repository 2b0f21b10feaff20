import { ComposeImageError } from "../../model/errors.ts";
import type { Compression } from "../../plan/compose-plan.ts";

const defaultGzipLevel = 6;

/**
 * Reads `gzip`, `gzip:LEVEL` (0 to 9) or `none`.
 *
 * @throws ComposeImageError `USAGE`
 */
export function parseCompression(text: string): Compression {
  if (text === "none") return { algorithm: "none" };
  const match = /^gzip(?::([0-9]))?$/.exec(text);
  if (match === null) {
    throw new ComposeImageError("USAGE", `--compression ${text} is not known`, {
      hint: "Use gzip, gzip:LEVEL with a level from 0 to 9, or none.",
    });
  }
  return { algorithm: "gzip", level: match[1] === undefined ? defaultGzipLevel : Number(match[1]) };
}
