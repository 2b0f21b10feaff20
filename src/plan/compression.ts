import { ComposeImageError } from "../model/errors.ts";
import type { Compression } from "./compose-plan.ts";

const defaultGzipLevel = 6;
const defaultZstdLevel = 3;

/** What {@link parseCompression} takes is written like. */
export const compressionPattern = "^(?:gzip(?::[0-9])?|zstd(?::(?:[1-9]|1[0-9]))?|none)$";

/** What is used where nothing is said. */
export const defaultCompression: Compression = { algorithm: "gzip", level: defaultGzipLevel };

/**
 * Reads `gzip`, `gzip:LEVEL` (0 to 9), `zstd`, `zstd:LEVEL` (1 to 19) or `none`.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE`
 */
export function parseCompression(text: string, what: string): Compression {
  if (text === "none") return { algorithm: "none" };
  if (!new RegExp(compressionPattern).test(text)) {
    throw new ComposeImageError("USAGE", `${what} ${text} is not known`, {
      hint: "Use gzip, zstd or none; with a level gzip:0 to gzip:9, zstd:1 to zstd:19.",
    });
  }
  const [algorithm, level] = text.split(":");
  return algorithm === "zstd"
    ? { algorithm, level: Number(level ?? defaultZstdLevel) }
    : { algorithm: "gzip", level: Number(level ?? defaultGzipLevel) };
}

/** The compression as {@link parseCompression} reads it. */
export function formatCompression(compression: Compression): string {
  return compression.algorithm === "none" ? "none" : `${compression.algorithm}:${compression.level}`;
}
