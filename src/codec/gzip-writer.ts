import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import type { Content } from "../io/content.ts";

/** Options of {@link gzip}. */
export interface GzipOptions {
  /** 0 (stored) to 9 (smallest). Default 6. */
  readonly level?: number;
  /** How many blocks are packed at the same time, at least 1. Default: one a processor, at most 8. */
  readonly jobs?: number;
}

/** Uncompressed bytes per block. Part of what decides the output: another size gives other bytes. */
const blockSize = 512 * 1024;

/** How far back deflate looks: the end of a block is the dictionary of the next. */
const windowSize = 32 * 1024;

/**
 * Packs content as one gzip member, several blocks at a time on libuv's threads. The bytes depend on the content and
 * the level alone: not on `jobs`, on how the content is cut into chunks, or on the clock.
 *
 * Holds at most `jobs` + 1 blocks of 512 KiB and what they were packed to.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1952
 */
export async function* gzip(content: Content, options: GzipOptions = {}): AsyncGenerator<Buffer> {
  const { level = 6, jobs = Math.min(availableParallelism(), 8) } = options;
  const packing: Packing[] = [];
  const spare: Block[] = [];
  let block = new Block();
  let checksum = 0;
  let size = 0;

  const finishOldest = async (oldest: Packing): Promise<Buffer> => {
    const packed = await oldest.packed;
    spare.push(oldest.block);
    return packed;
  };
  const start = (): void => {
    checksum = crc32(block.plain, checksum);
    size += block.plain.byteLength;
    const packed = pack(block, level);
    packed.catch(() => {});
    packing.push({ block, packed });
  };

  try {
    yield memberHeader;
    for await (const chunk of content) {
      for (let at = 0; at < chunk.byteLength; ) {
        at += block.fill(chunk, at);
        if (!block.full) continue;
        const oldest = packing.length < jobs ? undefined : packing.shift();
        if (oldest !== undefined) yield await finishOldest(oldest);
        start();
        block = (spare.pop() ?? new Block()).follow(block);
      }
    }
    if (block.plain.byteLength > 0) start();
    for (let oldest = packing.shift(); oldest !== undefined; oldest = packing.shift()) {
      yield await finishOldest(oldest);
    }
    yield memberEnd(checksum, size);
  } finally {
    await Promise.allSettled(packing.map((each) => each.packed));
  }
}

interface Packing {
  readonly block: Block;
  readonly packed: Promise<Buffer>;
}

/** A block being filled, behind the end of the block before it. */
class Block {
  readonly #buffer = Buffer.allocUnsafeSlow(windowSize + blockSize);
  #dictionarySize = 0;
  #end = windowSize;

  get full(): boolean {
    return this.#end === this.#buffer.byteLength;
  }

  get plain(): Buffer {
    return this.#buffer.subarray(windowSize, this.#end);
  }

  get dictionary(): Buffer {
    return this.#buffer.subarray(windowSize - this.#dictionarySize, windowSize);
  }

  /** Takes what fits of the chunk from `at` on. Gives how much that is. */
  fill(chunk: Uint8Array, at: number): number {
    const taken = Math.min(chunk.byteLength - at, this.#buffer.byteLength - this.#end);
    this.#buffer.set(chunk.subarray(at, at + taken), this.#end);
    this.#end += taken;
    return taken;
  }

  /** Empties the block, to be filled with what comes after a full one. */
  follow(before: Block): this {
    this.#buffer.set(before.#buffer.subarray(-windowSize), 0);
    this.#dictionarySize = windowSize;
    this.#end = windowSize;
    return this;
  }
}

const deflateBlock = promisify(deflateRaw) as (
  bytes: Uint8Array,
  options: Parameters<typeof deflateRaw>[1],
) => Promise<Buffer>;

/** Ends on a byte boundary and without deflate's end mark, so that another block can follow. */
function pack(block: Block, level: number): Promise<Buffer> {
  return deflateBlock(block.plain, {
    level,
    dictionary: block.dictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: blockSize / 2,
  });
}

/** No name, no time, and no word on the system it was made on. */
const memberHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** An empty last block of deflate, and the checks. */
function memberEnd(checksum: number, size: number): Buffer {
  const end = Buffer.from([0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]);
  end.writeUInt32LE(checksum, 2);
  end.writeUInt32LE(size % 2 ** 32, 6);
  return end;
}
