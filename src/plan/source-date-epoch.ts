import { ComposeImageError } from "../model/errors.ts";

/** The last second of the year 9999: later ones have no date in RFC 3339. */
const lastSecond = 253_402_300_799;

/**
 * Reads seconds since 1970.
 *
 * @param what goes before the message: nothing, or a place and a colon.
 * @throws ComposeImageError `USAGE`
 */
export function parseSourceDateEpoch(value: string | number, what = ""): number {
  const seconds =
    typeof value === "number" ? value : /^[0-9]{1,12}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > lastSecond) {
    throw new ComposeImageError(
      "USAGE",
      `${what}the source date epoch ${JSON.stringify(value)} is not a number of seconds`,
      { hint: "Give seconds since 1970-01-01 UTC, for example $(git log -1 --format=%ct)." },
    );
  }
  return seconds;
}
