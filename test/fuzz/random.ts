/** Numbers that look random and are the same for the same seed, on every machine. */
export class Random {
  #state: number;

  /** @param parts what the numbers depend on: the run's seed, the target's name, the input's number. */
  constructor(...parts: readonly (number | string)[]) {
    this.#state = 0x9e3779b9;
    for (const character of parts.join("/")) {
      this.#state = Math.imul(this.#state ^ character.charCodeAt(0), 0x01000193);
      this.#state = Math.imul(this.#state ^ (this.#state >>> 15), 0x85ebca6b);
    }
  }

  /** A whole number from 0 up to, not including, the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** True in so many of a hundred cases. */
  percent(chance: number): boolean {
    return this.below(100) < chance;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined && choices.length === 0) throw new Error("nothing to pick from");
    return choice as T;
  }

  /** So many things, at least `least` and at most `most`. */
  several<T>(least: number, most: number, make: (at: number) => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, (_, at) => make(at));
  }

  /** Bytes as latin1 text. */
  bytes(most: number): string {
    return this.several(0, most, () => String.fromCharCode(this.below(256))).join("");
  }
}
