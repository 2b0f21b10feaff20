import { ComposeImageError } from "../model/errors.ts";

/** What modes are written like. */
export const modePattern = "^0?[0-7]{1,4}$";

/**
 * Reads an octal mode of up to four digits, a zero before them allowed.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE`
 */
export function parseMode(text: string, what: string): number {
  if (!new RegExp(modePattern).test(text)) {
    throw new ComposeImageError("USAGE", `${what} ${text} is not an octal mode`, {
      hint: "Write octal digits, for example 0755.",
    });
  }
  return Number.parseInt(text, 8);
}

/** The mode as {@link parseMode} reads it, in four digits. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
