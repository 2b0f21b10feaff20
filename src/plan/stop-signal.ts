import { ComposeImageError } from "../model/errors.ts";

/** What signals are written like. */
export const stopSignalPattern = "^(?:SIG[A-Z0-9]+(?:[+-][0-9]+)?|[0-9]{1,2})$";

/**
 * Reads a signal: `SIGTERM`, `SIGRTMIN+3` or a number.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE`
 */
export function parseStopSignal(text: string, what: string): string {
  if (new RegExp(stopSignalPattern).test(text)) return text;
  throw new ComposeImageError("USAGE", `${what} ${text} is not a signal`, {
    hint: "Write its name with SIG, or its number, for example SIGTERM or 15.",
  });
}
