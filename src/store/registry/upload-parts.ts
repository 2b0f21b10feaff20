import type { ByteRange } from "./content-range.ts";

/** Parts that are tried when a registry, or what stands before it, does not take a blob in one request; in bytes. */
const partSizes = [4 * 1024 * 1024, 1024 * 1024, 256 * 1024] as const;

/** The most bytes that registries take in one request, as far as they have refused more; by registry. */
export type RequestLimits = Map<string, number>;

/** Answers of registries that have no uploads in chunks. */
const withoutChunks = [400, 404, 405, 415, 501];

/**
 * Into how many requests a blob goes. One, until that turns out to be too large for the registry or for the connection;
 * then parts of at most 4 MiB, each on a connection of its own where connections break.
 */
export class UploadParts {
  readonly #limits: RequestLimits;
  readonly #registry: string;
  #size: number;
  #mayChunk = true;
  /** Whether each request takes a new connection, which is given up afterwards. */
  ownConnections = false;

  constructor(limits: RequestLimits, registry: string) {
    this.#limits = limits;
    this.#registry = registry;
    this.#size = limits.get(registry) ?? Number.POSITIVE_INFINITY;
  }

  /** Where the part that begins at `first` ends. */
  next(first: number, size: number, minPart: number): number {
    return Math.min(size, first + Math.max(this.#size, minPart));
  }

  /** A part so large was not carried by its connection: the next ones are smaller. */
  shrinkAfterCut(sent: number): void {
    if (!this.#mayChunk || sent === 0) return;
    this.#size = Math.min(this.#size, partSizes[0]);
    this.ownConnections = true;
  }

  /**
   * Takes in that a request was larger than is taken there.
   *
   * @returns whether smaller ones are worth a try.
   */
  shrinkAfterRefusal({ first, last }: ByteRange, minPart: number): boolean {
    const bytes = last - first + 1;
    const smaller = partSizes.find((size) => size < bytes);
    if (!this.#mayChunk || smaller === undefined || smaller < minPart) return false;
    this.#size = smaller;
    this.#limits.set(this.#registry, smaller);
    return true;
  }

  /**
   * Takes in that a chunk was refused.
   *
   * @returns whether to try it in one request again: when it was only a connection that wanted chunks.
   */
  joinAfterRefusal(status: number, { first }: ByteRange): boolean {
    if (this.#limits.has(this.#registry) || first > 0 || !withoutChunks.includes(status)) return false;
    this.#size = Number.POSITIVE_INFINITY;
    this.#mayChunk = false;
    return true;
  }
}
