import { type ByteString, bytesOfText, textOfBytes } from "../../../src/tar/byte-string.ts";

/** A word of a line of a case: its bytes, and whether it began with a quote. */
export interface Word {
  readonly bytes: ByteString;
  readonly isQuoted: boolean;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", "0": "\0", '"': '"', "\\": "\\" };
const piece = /"((?:[^"\\]|\\.)*)"(?:\*(\d+))?|[^\s"]+/gy;

/**
 * Splits a line at its spaces. Quoted parts may hold spaces, `\n`, `\t`, `\0`, `\"`, `\\` and bytes as `\xff`; `"ab"*3`
 * is `"ababab"`. Other text stands for its UTF-8 bytes.
 */
export function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === " ") {
      at += 1;
      continue;
    }
    let bytes = "";
    const isQuoted = line[at] === '"';
    while (at < line.length && line[at] !== " ") {
      piece.lastIndex = at;
      const match = piece.exec(line);
      if (match === null) throw new Error(`a quote is not closed: ${line}`);
      const [whole, quoted, times] = match;
      bytes += quoted === undefined ? bytesOfText(whole) : unescaped(quoted).repeat(Number(times ?? 1));
      at += whole.length;
    }
    words.push({ bytes: bytes as ByteString, isQuoted });
  }
  return words;
}

function unescaped(text: string): string {
  return text
    .split(/(\\x[0-9a-f]{2}|\\.)/)
    .map((part) => {
      if (!part.startsWith("\\")) return bytesOfText(part);
      if (part.startsWith("\\x")) return String.fromCharCode(Number.parseInt(part.slice(2), 16));
      const character = escapes[part.slice(1)];
      if (character === undefined) throw new Error(`unknown escape ${part}`);
      return character;
    })
    .join("");
}

/** Bytes in quotes, as {@link wordsOf} reads them; many of one byte as `"x"*1000`. */
export function quoted(bytes: string): string {
  if (bytes.length > 20 && bytes === bytes.charAt(0).repeat(bytes.length))
    return `${quoted(bytes.charAt(0))}*${bytes.length}`;
  const text = textOfBytes(bytes as ByteString);
  const isText = bytesOfText(text) === bytes;
  const written = Array.from(isText ? text : bytes, (character) =>
    isPlain(character, isText) ? character : escaped(character),
  );
  return `"${written.join("")}"`;
}

function isPlain(character: string, isText: boolean): boolean {
  const code = character.charCodeAt(0);
  return code >= 0x20 && code !== 0x7f && (isText || code < 0x7f) && character !== '"' && character !== "\\";
}

function escaped(character: string): string {
  const short = Object.entries(escapes).find(([, value]) => value === character)?.[0];
  return short === undefined ? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}` : `\\${short}`;
}

/** Bytes as a word: quoted only where they have to be. */
export function bare(bytes: string): string {
  return /^[!#-[\]-~]+$/.test(bytes) ? bytes : quoted(bytes);
}
