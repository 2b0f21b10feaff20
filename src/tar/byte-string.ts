declare const byteStringBrand: unique symbol;

/**
 * Bytes kept in a string, one character (U+0000 to U+00FF) for each: names, link targets and attribute values of tar
 * archives are bytes, not text, and must come out as they went in. Comparing byte strings compares their bytes.
 */
export type ByteString = string & { readonly [byteStringBrand]: true };

/** The UTF-8 bytes of text, as a byte string. */
export function bytesOfText(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1") as ByteString;
}

/** For messages and JSON: the bytes read as UTF-8, invalid ones as U+FFFD. */
export function textOfBytes(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
