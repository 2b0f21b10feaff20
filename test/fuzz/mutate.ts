import type { Random } from "./random.ts";

/** Changes, adds, takes away or doubles some bytes. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let mutated = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && mutated.byteLength > 0; times -= 1) {
    const at = random.below(mutated.byteLength);
    const length = 1 + random.below(16);
    switch (random.below(6)) {
      case 0:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)]);
        break;
      case 1:
        mutated = Buffer.concat([
          mutated.subarray(0, at),
          Buffer.from(random.bytes(8), "latin1"),
          mutated.subarray(at),
        ]);
        break;
      case 2:
        mutated = Buffer.concat([mutated.subarray(0, at + length), mutated.subarray(at)]);
        break;
      case 3:
        mutated = mutated.subarray(0, at);
        break;
      default:
        mutated[at] = random.percent(50) ? random.below(256) : (mutated[at] ?? 0) ^ (1 << random.below(8));
    }
  }
  return mutated;
}

/** Sizes of chunks for `inChunks`: single bytes, blocks, odd sizes, all at once. */
export function chunkSizes(random: Random): number[] {
  return random.several(1, 4, () => random.pick([1, 3, 17, 100, 511, 512, 513, 4096, 65_536, 0, 1_000_000]));
}
