import { ChunkCursor } from "../io/chunk-cursor.ts";
import type { Content } from "../io/content.ts";
import { sniffCompression, sniffLength } from "./compression.ts";
import { gunzip } from "./gunzip.ts";
import { unzstd } from "./unzstd.ts";

/**
 * Unpacks gzip and zstd, told apart by their first bytes, and passes everything else on as it is. All gzip members and
 * all zstd frames are unpacked. The content is always read to its end, also past what is padding or garbage after the
 * last gzip member, so that a check at its end takes place; where the packed bytes are damaged, too, and then a fault
 * that the content itself reports at its end is what is thrown.
 *
 * Works at most one chunk of input and a few hundred KiB of output ahead of the reader. Each call inflates on a thread
 * of its own.
 *
 * @param subject what the content is, for messages: `builder layer 3 of registry.example/app`.
 * @throws ComposeImageError while reading: `LAYER_INVALID`, `LAYER_TRUNCATED`, and whatever the content throws.
 */
export async function* decompress(content: Content, subject: string): AsyncGenerator<Uint8Array> {
  const input = new ChunkCursor(content);
  try {
    await input.require(sniffLength);
    const compression = sniffCompression(input.peek().subarray(0, sniffLength));
    if (compression === "gzip") yield* gunzip(input, subject);
    else if (compression === "zstd") yield* unzstd(input, subject);
    else while (await input.pull()) yield input.take(input.available);
    await input.drain();
  } catch (error) {
    await input.drain();
    throw error;
  } finally {
    await input.close();
  }
}
