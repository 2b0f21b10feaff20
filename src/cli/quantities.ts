import { ComposeImageError } from "../model/errors.ts";
import { parseByteSize } from "../plan/byte-size.ts";

const decimalUnits = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes for people, in powers of 1000 as registries show them: `188.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < decimalUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${decimalUnits[unit]}`;
}

/** A duration for people: `0.4 s`, `1 min 05 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/**
 * Reads an amount of memory: `64M`, `64MiB`, `1G`, or bytes; units are powers of 1024, as docker's `--memory` has it.
 *
 * @throws ComposeImageError `USAGE`
 */
export function parseMemory(text: string, flag: string): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  throw new ComposeImageError("USAGE", `${flag} ${text} is not an amount of memory`, {
    hint: `For example ${flag} 64M.`,
  });
}

/**
 * Reads a size of files: `4GB`, powers of 1000; `4GiB`, `4G`, powers of 1024, as of `split -b`; or bytes.
 *
 * @returns at least 1.
 * @throws ComposeImageError `USAGE`
 */
export function parseSize(text: string, flag: string): number {
  const [, count, letter = "", unit = ""] = /^([0-9]+)([kmgt]?)(b|ib)?$/i.exec(text) ?? [];
  const base = letter !== "" && unit.toLowerCase() === "b" ? 1000 : 1024;
  const size = Number(count) * base ** ["", "k", "m", "g", "t"].indexOf(letter.toLowerCase());
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new ComposeImageError("USAGE", `${flag} ${text} is not a size of files`, {
    hint: `For example ${flag} 4GB.`,
  });
}

/** Longest wait that timers know, in milliseconds: longer ones would end at once. */
const longestDuration = 2 ** 31 - 1;

/**
 * Reads a duration: `30s`, `2m`, `500ms`, or seconds.
 *
 * @returns milliseconds, at least 1, and not more than 24 days.
 * @throws ComposeImageError `USAGE`
 */
export function parseDuration(text: string, flag: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)?$/.exec(text);
  const milliseconds =
    Number(match?.[1]) * { ms: 1, s: 1000, m: 60_000 }[(match?.[2] ?? "s") as "ms" | "s" | "m"];
  if (match === null || milliseconds < 1 || milliseconds > longestDuration) {
    throw new ComposeImageError("USAGE", `${flag} ${text} is not a duration`, {
      hint: `For example ${flag} 60s.`,
    });
  }
  return milliseconds;
}

/**
 * Reads a whole number of at least `least`.
 *
 * @throws ComposeImageError `USAGE`
 */
export function parseCount(text: string, flag: string, least: number): number {
  const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= least) return count;
  throw new ComposeImageError("USAGE", `${flag} ${text} is not a whole number of at least ${least}`, {
    hint: `For example ${flag} ${Math.max(least, 4)}.`,
  });
}
