import { createCipheriv } from "node:crypto";

/** Bytes that do not compress, and are the same every time for the same name. */
export function randomContent(name: string, size: number): Buffer {
  return Buffer.concat([...randomChunks(name, size)]);
}

/** The same, a mebibyte at a time. */
export function* randomChunks(name: string, size: number): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, name), Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.min(size, 2 ** 20));
  for (let left = size; left > 0; left -= zeros.byteLength) yield cipher.update(zeros.subarray(0, left));
}
