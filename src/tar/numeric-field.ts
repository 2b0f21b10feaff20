const space = 0x20;

/**
 * Reads an octal field: digits with NULs and spaces before them, and a NUL, a space or the field's end after them. An
 * empty field is 0. `undefined` for anything else.
 */
export function parseOctal(block: Buffer, start: number, length: number): number | undefined {
  const end = start + length;
  let at = start;
  while (at < end && (block[at] === space || block[at] === 0)) at += 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  return at === end || block[at] === space || block[at] === 0 ? value : undefined;
}

/** Whether the field is in base 256 and not in octal: its first bit is set. */
export function isBase256(block: Buffer, start: number): boolean {
  return ((block[start] ?? 0) & 0x80) !== 0;
}

/** Reads a field in base 256: big endian, two's complement, but for the first bit, which is the mark. */
export function parseBase256(block: Buffer, start: number, length: number): bigint {
  const bits = BigInt(`0x${block.toString("hex", start, start + length)}`);
  const width = length * 8 - 1;
  return BigInt.asIntN(width, bits);
}

/** Reads a field in octal or base 256. `undefined` when it is neither or is beyond what a number holds exactly. */
export function parseNumber(block: Buffer, start: number, length: number): number | undefined {
  if (!isBase256(block, start)) return parseOctal(block, start, length);
  const value = Number(parseBase256(block, start, length));
  return Number.isSafeInteger(value) ? value : undefined;
}
