import { ComposeImageError } from "../model/errors.ts";

const milliseconds: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** What ages are written like. */
export const agePattern = "^(?:[0-9]{1,9}(?:\\.[0-9]{1,3})?[smhdw])+$";

/**
 * Reads an age: `90d`, `2w`, `36h`, `1d12h`. A day has 24 hours.
 *
 * @param what names the setting in messages.
 * @returns milliseconds, at least one.
 * @throws ComposeImageError `USAGE`
 */
export function parseAge(text: string, what: string): number {
  let sum = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([0-9.]+)([a-z])/g)) {
    sum += Math.round(Number(amount) * (milliseconds[unit] ?? 0));
  }
  if (new RegExp(agePattern).test(text) && sum > 0 && Number.isSafeInteger(sum)) return sum;
  throw new ComposeImageError("USAGE", `${what} ${text} is not an age`, {
    hint: "Write for example 90d, 12w or 36h; m is minutes.",
  });
}
