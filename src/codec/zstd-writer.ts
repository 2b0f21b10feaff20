import { constants, createZstdCompress } from "node:zlib";
import type { Content } from "../io/content.ts";
import { type Feeder, outputChunkSize, runEngine } from "./engine.ts";

/** Options of {@link zstd}. */
export interface ZstdOptions {
  /** 1 (fastest) to 19 (smallest). Default 3. */
  readonly level?: number;
}

/** Uncompressed bytes that are handed over at a time. */
const blockSize = 512 * 1024;

/**
 * Packs content as one zstd frame with a checksum, on one of libuv's threads. The bytes depend on the content and the
 * level alone, not on how the content is cut into chunks. At no level a reader needs a window of more than 8 MiB.
 *
 * Holds a block of 512 KiB, and what the compressor needs: some MiB, at the highest levels up to about 90.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878
 */
export async function* zstd(content: Content, { level = 3 }: ZstdOptions = {}): AsyncGenerator<Buffer> {
  const stream = createZstdCompress({
    chunkSize: outputChunkSize,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  yield* runEngine(
    stream,
    (feeder) => feedBlocks(content, feeder),
    (error) => error,
  );
}

/** The compressor gets blocks of one size whatever the chunks are. Its end comes alone: what it is told with it counts. */
async function feedBlocks(content: Content, feeder: Feeder): Promise<void> {
  const block = Buffer.allocUnsafeSlow(blockSize);
  let filled = 0;
  for await (const chunk of content) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = Math.min(chunk.byteLength - at, blockSize - filled);
      block.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < blockSize) continue;
      await feeder.write(block);
      filled = 0;
    }
    if (feeder.stopped) return;
  }
  if (filled > 0) await feeder.write(block.subarray(0, filled));
  feeder.end();
}
