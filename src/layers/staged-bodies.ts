import type { Extent } from "../io/spool.ts";

/** Numbers a row: where the file's header is in the tar, where its content is in the spool, how long that is. */
const columns = 3;
const blockRows = 1024;

/** Where the contents of a layer's files were put aside, by the offsets of the files' headers in the tar. */
export class StagedBodies {
  /** Each sorted by offset. */
  readonly #runs: StagedRun[] = [];

  /** Where the content of the file at an offset is; `undefined` when it has not been put aside. */
  get(offset: number): Extent | undefined {
    for (const run of this.#runs) {
      const extent = run.get(offset);
      if (extent !== undefined) return extent;
    }
    return undefined;
  }

  /** Takes over what one reading of the layer has put aside. */
  add(run: StagedRun): void {
    if (run.length > 0) this.#runs.push(run);
  }
}

/** What one reading of the layer put aside: tens of bytes a file, since there may be millions. */
export class StagedRun {
  /** Rows without gaps, in blocks that need no copying as they become more. */
  readonly #blocks: Float64Array[] = [];
  #length = 0;

  /** How many contents there are. */
  get length(): number {
    return this.#length;
  }

  /** @param offset higher than all before. */
  push(offset: number, { offset: start, size }: Extent): void {
    const at = (this.#length % blockRows) * columns;
    if (at === 0) this.#blocks.push(new Float64Array(blockRows * columns));
    const block = this.#blocks.at(-1);
    this.#length += 1;
    if (block === undefined) return;
    block[at] = offset;
    block[at + 1] = start;
    block[at + 2] = size;
  }

  get(offset: number): Extent | undefined {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cell(middle, 0) < offset) low = middle + 1;
      else high = middle;
    }
    if (low === this.#length || this.#cell(low, 0) !== offset) return undefined;
    return { offset: this.#cell(low, 1), size: this.#cell(low, 2) };
  }

  #cell(row: number, column: number): number {
    const block = this.#blocks[Math.floor(row / blockRows)];
    return block?.[(row % blockRows) * columns + column] ?? 0;
  }
}
