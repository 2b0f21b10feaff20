import { Range } from "semver";
import { ComposeImageError } from "../model/errors.ts";

/** Longest range, in characters. */
const maxLength = 500;

/**
 * Reads a range as npm has it: `>=1.2 <2`, `^1.2`, `1.x || 3`. Numbers may have leading zeros: `>=22.04`.
 *
 * @param what names the setting in messages.
 * @param prereleases whether versions with a suffix are in it as others are, not only beside one that the range names.
 * @throws ComposeImageError `USAGE`
 */
export function parseVersionRange(text: string, what: string, prereleases: boolean): Range {
  const invalid = (cause?: unknown): ComposeImageError =>
    new ComposeImageError(
      "USAGE",
      `${what} ${JSON.stringify(text.slice(0, 200))} is no range of versions as npm has them`,
      { hint: "Write for example ^1.2 or >=1.2 <2 || 3.x, with spaces and no commas.", cause },
    );
  if (text.length > maxLength || text.split("||").some((part) => part.trim() === "")) throw invalid();
  try {
    return new Range(text.replaceAll(/(?<![0-9A-Za-z])(v?)0+(?=[0-9])/g, "$1"), {
      includePrerelease: prereleases,
    });
  } catch (cause) {
    throw invalid(cause);
  }
}
