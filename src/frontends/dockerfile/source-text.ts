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
  readonly #segments: readonly Segment[];

  constructor(text: string, file: string, segments: readonly Segment[]) {
    this.text = text;
    this.#file = file;
    this.#segments = segments;
  }

  /** `FILE:LINE:COLUMN` of a character; by default of the first. */
  at(offset = 0): string {
    const segment = this.#segments.findLast(({ start }) => start <= offset) ?? this.#segments[0];
    if (segment === undefined) return `${this.#file}:1:1`;
    return `${this.#file}:${segment.line}:${segment.column + Math.max(0, offset - segment.start)}`;
  }

  /** The part from one position to another, as `String.slice` has it. */
  slice(start: number, end = this.text.length): SourceText {
    const segments = this.#segments.map((segment) => ({ ...segment, start: segment.start - start }));
    return new SourceText(this.text.slice(start, end), this.#file, segments);
  }

  /** The same without white space around it. */
  trim(): SourceText {
    const start = this.text.length - this.text.trimStart().length;
    return this.slice(start, Math.max(start, this.text.trimEnd().length));
  }

  /** Another text in the place of this one: what was read from it. */
  replaced(text: string): SourceText {
    return new SourceText(text, this.#file, this.#segments);
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
