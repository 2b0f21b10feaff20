import type { InflateRaw, ZstdCompress, ZstdDecompress } from "node:zlib";

/** A stream of node:zlib that unpacks, or packs, on a thread of libuv's pool. */
export type EngineStream = InflateRaw | ZstdDecompress | ZstdCompress;

/**
 * Bytes of output per chunk. Smaller chunks cost threads' round trips; of larger ones more bytes wait for the collector,
 * which goes by the number of objects.
 */
export const outputChunkSize = 128 * 1024;

/**
 * What comes out of the stream while `feed` feeds it. Feeding goes on while the reader works on a chunk, one chunk
 * ahead. Leaving early destroys the stream and waits until `feed` has returned.
 *
 * @param faultOf turns an error of the stream itself into the one to throw; errors of `feed` are thrown as they are.
 */
export async function* runEngine(
  stream: EngineStream,
  feed: (feeder: Feeder) => Promise<void>,
  faultOf: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  let feedFault: { readonly error: unknown } | undefined;
  const feeding = feed(new Feeder(stream)).catch((error: unknown) => {
    feedFault = { error };
    stream.destroy(new Error("feeding failed", { cause: error }));
  });
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    if (feedFault === undefined) throw faultOf(error);
  } finally {
    stream.destroy();
    await feeding;
  }
  if (feedFault !== undefined) throw feedFault.error;
}

/** The input side of a stream. */
export class Feeder {
  readonly #stream: EngineStream;
  #settle: () => void = () => {};

  constructor(stream: EngineStream) {
    this.#stream = stream;
    stream.on("close", () => this.#settle());
    stream.on("error", () => {});
  }

  /** Whether the stream is gone, because it failed or because nobody wants its output any more. */
  get stopped(): boolean {
    return this.#stream.destroyed;
  }

  /**
   * Waits until the stream has taken in the chunk and its output has room. Gives the number of bytes used: fewer than
   * there are when a packed stream ends within the chunk, after which no more may be written.
   */
  async write(chunk: Uint8Array): Promise<number> {
    const before = this.#stream.bytesWritten;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      if (this.stopped) resolve();
      else this.#stream.write(chunk, () => resolve());
    });
    return this.#stream.bytesWritten - before;
  }

  /** Says that the input ends here. */
  end(): void {
    if (!this.stopped) this.#stream.end();
  }
}
