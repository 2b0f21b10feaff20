import { ComposeImageError } from "../../model/errors.ts";

/**
 * Reads `KEY=VALUE` lists; the last value of a key counts, and the value may hold further equals signs.
 *
 * @param flag the flag, for messages.
 * @throws ComposeImageError `USAGE` for an item without a key or an equals sign.
 */
export function parsePairs(
  items: readonly string[] | Readonly<Record<string, string>> | undefined,
  flag: string,
): Record<string, string> {
  if (items === undefined) return {};
  if (!isList(items)) return { ...items };
  const pairs = new Map<string, string>();
  for (const item of items) {
    const equals = item.indexOf("=");
    if (equals <= 0) {
      throw new ComposeImageError("USAGE", `${flag} ${item} is not KEY=VALUE`, {
        hint: `Write ${flag} KEY=VALUE.`,
      });
    }
    pairs.set(item.slice(0, equals), item.slice(equals + 1));
  }
  return Object.fromEntries(pairs);
}

function isList(items: readonly string[] | Readonly<Record<string, string>>): items is readonly string[] {
  return Array.isArray(items);
}
