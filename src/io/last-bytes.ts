/**
 * A copy of the last bytes of some content. The memory is one ring, used again and again and given back at once: pieces of what
 * passes through would be old when they are let go, and pile up until old objects are collected.
 */
export class LastBytes {
  readonly #most: number;
  #ring: Uint8Array<ArrayBuffer> | undefined;
  #end = 0;

  /** @param most how many are kept; so much memory is taken with the first. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Where the kept bytes begin in the content. */
  get start(): number {
    return Math.max(0, this.#end - this.#most);
  }

  /** Where they end, which is how much of the content has been added. */
  get end(): number {
    return this.#end;
  }

  /** Adds what comes next in the content. */
  add(bytes: Uint8Array): void {
    this.#ring ??= new Uint8Array(this.#most);
    const kept = bytes.subarray(Math.max(0, bytes.byteLength - this.#most));
    this.#end += bytes.byteLength;
    const at = (this.#end - kept.byteLength) % this.#most;
    const fitting = Math.min(kept.byteLength, this.#most - at);
    this.#ring.set(kept.subarray(0, fitting), at);
    this.#ring.set(kept.subarray(fitting), 0);
  }

  /** A copy of kept bytes from `offset` on, as many as lie together. */
  from(offset: number): Uint8Array {
    const at = offset % this.#most;
    return this.#ring?.slice(at, Math.min(this.#most, at + this.#end - offset)) ?? new Uint8Array();
  }

  /** Forgets everything, and gives the memory back. */
  release(): void {
    this.#ring?.buffer.transfer(0);
    this.#ring = undefined;
    this.#end = 0;
  }
}
