import { constants, createZstdDecompress } from "node:zlib";
import type { ChunkCursor } from "../io/chunk-cursor.ts";
import { isSkippableFrame, isZstdFrame } from "./compression.ts";
import { type Feeder, outputChunkSize, runEngine } from "./engine.ts";
import { cutShort, damaged, oversized } from "./fault.ts";
import { ZstdFrameScanner } from "./zstd-frame.ts";

/**
 * The longest window, as a power of two: 128 MiB, zstd's own limit unless it is told otherwise. The window is held in
 * memory, and a blob of a hundred KiB can ask for 2 GiB and fill it with zeros.
 */
const longestWindow = 27;

/**
 * Unpacks zstd frames one after another; skippable frames are skipped wherever they are. Nothing else may follow a
 * frame.
 *
 * Frames are told apart here and not by node:zlib, which stops after the first without a word, and takes one that is
 * cut for whole.
 *
 * @param input at the first frame's first byte; afterwards at its end.
 * @see https://www.rfc-editor.org/rfc/rfc8878
 */
export async function* unzstd(input: ChunkCursor, subject: string): AsyncGenerator<Buffer> {
  while (await input.pull()) {
    const complete = await input.require(4);
    const magic = input.peek().subarray(0, 4);
    if (!complete) throw cutShort(subject, "the zstd stream ends inside a frame header");
    if (isSkippableFrame(magic)) await skipFrame(input, subject);
    else if (isZstdFrame(magic)) {
      yield* runEngine(
        createZstdDecompress({
          chunkSize: outputChunkSize,
          params: { [constants.ZSTD_d_windowLogMax]: longestWindow },
        }),
        (feeder) => feedFrame(input, feeder, subject),
        (error) => faultOf(error, subject),
      );
    } else throw damaged(subject, "something that is no zstd frame follows a zstd frame");
  }
}

async function feedFrame(input: ChunkCursor, feeder: Feeder, subject: string): Promise<void> {
  const scanner = new ZstdFrameScanner();
  while (!feeder.stopped) {
    if (!(await input.pull())) throw cutShort(subject, "the zstd stream ends inside a frame");
    input.readAhead();
    const chunk = input.peek();
    const length = scanner.scan(chunk);
    await feeder.write(chunk.subarray(0, length));
    input.advance(length);
    if (scanner.complete) {
      feeder.end();
      return;
    }
  }
}

async function skipFrame(input: ChunkCursor, subject: string): Promise<void> {
  if (await input.require(8)) {
    const length = input.take(8).readUInt32LE(4);
    if ((await input.skip(length)) === length) return;
  }
  throw cutShort(subject, "the zstd stream ends inside a skippable frame");
}

function faultOf(error: unknown, subject: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ZSTD_error_frameParameter_windowTooLarge") {
    return oversized(
      subject,
      `a zstd frame wants a window of more than ${2 ** (longestWindow - 20)} MiB`,
      error,
    );
  }
  if (typeof code === "string" && (code.startsWith("ZSTD_") || code.startsWith("Z_"))) {
    return damaged(subject, "the zstd stream is damaged", error);
  }
  return error;
}
