/** What a terminal or a log would act on rather than show: controls, marks of direction, line and paragraph separators. */
const acting = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text of foreign origin as it may go into one line for people. Names, tags and media types come out of images, and
 * could otherwise recolour the terminal, hide what went before or forge a line of a log.
 *
 * @returns the text with each such character as `\xNN` or `\u{…}`.
 */
export function visibleText(text: string): string {
  return text.replace(acting, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** JSON with each such character as an escape of JSON's: the same document, harmless on a terminal. */
export function visibleJson(document: unknown): string {
  return JSON.stringify(document, undefined, 2).replace(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
