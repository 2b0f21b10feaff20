/** A word's place in a text. */
export interface WordSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Splits a text at white space outside of quotes. Quotes and escape characters stay in the words; the escape character
 * keeps the next one from ending word or quotation, but for single quotes.
 */
export function splitWords(text: string, escapeCharacter: string): WordSpan[] {
  const words: WordSpan[] = [];
  let start = -1;
  let quote = "";
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (start < 0) {
      if (/\s/.test(character)) continue;
      start = i;
    }
    if (character === escapeCharacter && quote !== "'") i += 1;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (/\s/.test(character)) {
      words.push({ start, end: i });
      start = -1;
    }
  }
  if (start >= 0) words.push({ start, end: text.length });
  return words;
}

/** Splits a text at white space alone: what lists of paths and ports are written like. */
export function splitAtSpaces(text: string): WordSpan[] {
  return [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => ({ start: index, end: index + word.length }));
}
