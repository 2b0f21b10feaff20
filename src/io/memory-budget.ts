/** Bytes that may be held in memory for staged content, shared by all that stage. */
export class MemoryBudget {
  #left: number;

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#left = limit;
  }

  /** Takes `bytes` if they are left, and says whether it did. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Gives taken bytes back. */
  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}
