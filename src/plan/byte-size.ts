/** What sizes are written like. */
export const byteSizePattern = "^[0-9]{1,15}[kKmMgG]?(?:[iI]?[bB])?$";

/**
 * Reads an amount of bytes: `64M`, `64MB` and `64MiB` are the same, `1G`, or bytes; units are powers of 1024, as docker's
 * `--memory` has it.
 *
 * @returns `undefined` for what is none.
 */
export function parseByteSize(text: string): number | undefined {
  const [, amount, unit = ""] = /^([0-9]{1,15})([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Number(amount) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
