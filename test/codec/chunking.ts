import type { Content } from "../../src/io/content.ts";

/** The bytes in chunks of the given sizes, in turn and over again; sizes of 0 give empty chunks. */
export async function* inChunks(bytes: Uint8Array, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  const steps = sizes.some((size) => size > 0) ? sizes : [Number.POSITIVE_INFINITY];
  for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
    const size = steps[turn % steps.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** The bytes cut once. */
export async function* cutAt(bytes: Uint8Array, cut: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, cut);
  yield bytes.subarray(cut);
}

/** Everything the content holds. */
export async function gather(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Content that tells what was done with it. */
export class WatchedContent implements AsyncIterable<Uint8Array> {
  pulled = 0;
  state: "open" | "ended" | "released" = "open";
  readonly #content: Content;

  constructor(content: Content) {
    this.#content = content;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#content) {
        this.pulled += 1;
        yield chunk;
      }
      this.state = "ended";
    } finally {
      if (this.state === "open") this.state = "released";
    }
  }
}

/** The content, and then the error instead of an end. */
export async function* failingAfter(content: Content, error: Error): AsyncGenerator<Uint8Array> {
  yield* content;
  throw error;
}

/** The code of the error that the work fails with; `undefined` when it does not. Other errors are thrown on. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof Error && error.name === "ComposeImageError" && "code" in error)
      return String(error.code);
    throw error;
  }
}
