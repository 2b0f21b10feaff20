import { ComposeImageError } from "../model/errors.ts";

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1000,
  ms: 1_000_000,
  s: 1_000_000_000,
  m: 60_000_000_000,
  h: 3_600_000_000_000,
};

/** What durations are written like. */
export const durationPattern = "^(?:[0-9]+(?:\\.[0-9]+)?(?:ns|us|ms|s|m|h))+$";

/**
 * Reads a duration as Go writes it: `30s`, `1m30s`, `1.5h`.
 *
 * @param what names the setting in messages.
 * @returns nanoseconds.
 * @throws ComposeImageError `USAGE`
 */
export function parseDuration(text: string, what: string): number {
  if (!new RegExp(durationPattern).test(text)) {
    throw new ComposeImageError("USAGE", `${what} ${text} is not a duration`, {
      hint: "Write for example 30s or 1m30s.",
    });
  }
  let sum = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([0-9.]+)([a-z]+)/g)) {
    sum += Math.round(Number(amount) * (nanoseconds[unit] ?? 0));
  }
  return sum;
}

/** The duration as {@link parseDuration} reads it, in the largest unit that it is a whole number of. */
export function formatDuration(duration: number): string {
  const [unit = "ns", size = 1] =
    Object.entries(nanoseconds)
      .reverse()
      .find(([, each]) => duration !== 0 && duration % each === 0) ?? [];
  return `${duration / size}${unit}`;
}
