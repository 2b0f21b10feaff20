import type { SourceText } from "../source-text.ts";
import { splitAtSpaces } from "../words.ts";
import { readJsonList } from "./command.ts";

/**
 * Reads a list of words: at white space, or as JSON where that may be.
 *
 * @throws ComposeImageError `USAGE` for a JSON list with something other than texts.
 */
export function readWords(source: SourceText, mayBeJson: boolean): SourceText[] {
  const items = mayBeJson ? readJsonList(source) : undefined;
  return items ?? splitAtSpaces(source.text).map(({ start, end }) => source.slice(start, end));
}
