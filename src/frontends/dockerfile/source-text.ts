import { ComposeImageError, type ErrorDetails } from "../../model/errors.ts";

/** Where a run of characters of a {@link SourceText} comes from. Lines and columns count from 1. */
interface Segment {
  /** Position of its first character in the text. */
  readonly start: number;
  readonly line: number;
  readonly column: number;
}

/** A piece of a Dockerfile, with the place of each of its characters, however many lines it was put together from. */
export class SourceText {
  readonly text: string;
  readonly #file: string;
  /** In their order; shared by all pieces of an instruction. */
  readonly #segments: readonly Segment[];
  /** Position of the text's first character in what the segments speak of. */
  readonly #start: number;

  constructor(text: string, file: string, segments: readonly Segment[], start = 0) {
    this.text = text;
    this.#file = file;
    this.#segments = segments;
    this.#start = start;
  }

  /** `FILE:LINE:COLUMN` of a character; by default of the first. */
  at(offset = 0): string {
    const position = this.#start + offset;
    let low = 0;
    let high = this.#segments.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle]?.start ?? 0) <= position) low = middle;
      else high = middle;
    }
    const segment = this.#segments[low];
    if (segment === undefined) return `${this.#file}:1:1`;
    return `${this.#file}:${segment.line}:${segment.column + Math.max(0, position - segment.start)}`;
  }

  /** The part from one position to another. */
  slice(start: number, end = this.text.length): SourceText {
    return new SourceText(this.text.slice(start, end), this.#file, this.#segments, this.#start + start);
  }

  /** The same without white space around it. */
  trim(): SourceText {
    const start = this.text.length - this.text.trimStart().length;
    return this.slice(start, Math.max(start, this.text.trimEnd().length));
  }

  /** Another text in the place of this one: what was read from it. */
  replaced(text: string): SourceText {
    return new SourceText(text, this.#file, this.#segments, this.#start);
  }

  /** The error for what is wrong at a character. */
  fault(what: string, hint: string, offset = 0): ComposeImageError {
    return faultAt(this.at(offset), what, { hint });
  }
}

/**
 * The error for what is wrong at a place.
 *
 * @param where `FILE:LINE:COLUMN`
 */
export function faultAt(where: string, what: string, details: ErrorDetails): ComposeImageError {
  return new ComposeImageError("USAGE", `${where}: ${what}`, details);
}
