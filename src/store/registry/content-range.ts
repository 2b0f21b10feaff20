/** Bytes from `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** The value of a `Range` header. */
export function formatRange({ first, last }: ByteRange): string {
  return `bytes=${first}-${last}`;
}

/**
 * Whether a `Content-Range` names exactly the bytes asked for, of content of exactly this size (or of unknown size).
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-content-range
 */
export function isContentRange(value: string | undefined, range: ByteRange, size: number): boolean {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? "");
  return (
    match !== null &&
    Number(match[1]) === range.first &&
    Number(match[2]) === range.last &&
    (match[3] === "*" || Number(match[3]) === size)
  );
}
