import { createCipheriv } from "node:crypto";

/** Bytes that do not compress, and are the same every time for the same name. */
export function randomContent(name: string, size: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, name), Buffer.alloc(16)).update(Buffer.alloc(size));
}
