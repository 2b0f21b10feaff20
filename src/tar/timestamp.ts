import type { Timestamp } from "./entry.ts";

/** The canonical form of seconds in decimal, or `undefined` where the text is no such number. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const [, sign, digits = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const seconds = digits.replace(/^0+(?=\d)/, "");
  const rest = trimEndZeros(fraction);
  const value = rest === "" ? seconds : `${seconds}.${rest}`;
  return value === "0" ? value : sign + value;
}

/** Whether the text is in the form that {@link Timestamp} asks for. */
export function isTimestamp(text: string): boolean {
  return parseTimestamp(text) === text;
}

function trimEndZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}
