/** How a layer's bytes are packed. */
export type Compression = "gzip" | "zstd" | "none";

/** How many bytes {@link sniffCompression} wants to see. */
export const sniffLength = 4;

/**
 * Tells the compression from the first bytes of a blob, of which there should be {@link sniffLength} if the blob has as
 * many: layers whose media type says otherwise exist.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */
export function sniffCompression(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b && (head.byteLength < 3 || head[2] === 8)) return "gzip";
  if (isZstdFrame(head) || isSkippableFrame(head)) return "zstd";
  return "none";
}

/** Whether the bytes begin a zstd frame. */
export function isZstdFrame(head: Uint8Array): boolean {
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
}

/** Whether the bytes begin a zstd frame that holds nothing for the reader. */
export function isSkippableFrame(head: Uint8Array): boolean {
  return ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
}
