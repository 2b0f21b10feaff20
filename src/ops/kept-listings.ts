import { join } from "node:path";
import type { TransferListener } from "../io/transfer.ts";
import { KeptListing, listingName } from "../layers/kept-listing.ts";
import type { LayerListing } from "../layers/layer-listing.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { FileCache } from "../store/cache/file-cache.ts";

/** Where what base layers hold is kept between runs. */
export class KeptListings {
  readonly #cache: FileCache;
  readonly #onTransfer: TransferListener;

  /**
   * @param cacheDirectory made when something is to be kept.
   * @param onTransfer told, as a note, which layers are not read, and why nothing is kept.
   */
  constructor(cacheDirectory: string, onTransfer: TransferListener) {
    this.#onTransfer = onTransfer;
    this.#cache = new FileCache(join(cacheDirectory, "layers"), {
      onNote: (reason) => this.#note(`not keeping what the base holds: ${reason}`),
    });
  }

  /** What a layer holds. */
  of({ digest }: Descriptor): LayerListing {
    return new KeptListing(this.#cache, digest, (message) => this.#note(message));
  }

  /** Whether a layer would not have to be read. */
  async has({ digest }: Descriptor): Promise<boolean> {
    return this.#cache.has(listingName(digest));
  }

  #note(message: string): void {
    this.#onTransfer({ kind: "note", store: this.#cache.directory, message });
  }
}
