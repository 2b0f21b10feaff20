import type { TransferEvent } from "../io/transfer.ts";

/** What a run moved. */
export interface TransferFigures {
  /** Bytes that came in, repeats counted. */
  readonly downloadedBytes: number;
  /** Bytes of blobs that went out, repeats counted. */
  readonly uploadedBytes: number;
  /** Blobs uploaded. */
  readonly uploadedBlobs: number;
  /** Blobs that a target took over from another repository. */
  readonly mountedBlobs: number;
  /** Blobs that were at their target already. */
  readonly presentBlobs: number;
}

/** Adds up transfer events. */
export class FigureCounter {
  #downloadedBytes = 0;
  #uploadedBytes = 0;
  readonly #uploaded = new Set<string>();
  readonly #mounted = new Set<string>();
  readonly #present = new Set<string>();

  figures(): TransferFigures {
    return {
      downloadedBytes: this.#downloadedBytes,
      uploadedBytes: this.#uploadedBytes,
      uploadedBlobs: this.#uploaded.size,
      mountedBlobs: this.#mounted.size,
      presentBlobs: this.#present.size,
    };
  }

  count(event: TransferEvent): void {
    if (event.kind === "progress") {
      if (event.direction === "download") this.#downloadedBytes += event.bytes;
      else this.#uploadedBytes += event.bytes;
    } else if (event.kind === "finished" && event.direction === "upload") {
      this.#uploaded.add(keyOf(event));
    } else if (event.kind === "mounted") {
      this.#mounted.add(keyOf(event));
    } else if (event.kind === "present") {
      this.#present.add(keyOf(event));
    }
  }
}

function keyOf({ store, descriptor }: { store: string; descriptor: { digest: string } }): string {
  return `${store}@${descriptor.digest}`;
}
