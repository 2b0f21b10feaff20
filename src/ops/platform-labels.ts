import type { TransferEvent } from "../io/transfer.ts";
import type { Digest } from "../model/digest.ts";
import type { Platform } from "../model/platform.ts";
import type { ComposedImage } from "./assemble-image.ts";
import type { Compositions } from "./compositions.ts";
import { originImages } from "./resolve-plan.ts";

/** Tells transfers of several platforms apart: which blob is which platform's. */
export class PlatformLabels {
  /** `undefined` for a blob that several platforms have. */
  readonly #platforms = new Map<Digest, Platform | undefined>();

  /** Takes note of the layers that will be read or pushed; where there is one image, nothing needs telling apart. */
  learn({ all }: Compositions): void {
    if (all.length < 2) return;
    for (const { platform, images } of all) {
      const layers = [images.base, ...originImages(images)].flatMap((image) => image?.manifest.layers ?? []);
      for (const { digest } of layers) this.#add(digest, platform);
    }
  }

  /** The same for what was made. */
  learnComposed(images: readonly ComposedImage[]): void {
    if (images.length < 2) return;
    for (const { platform, layer, config } of images) {
      this.#add(layer.digest, platform);
      this.#add(config.digest, platform);
    }
  }

  /** The event with the platform, where it is about a blob that one platform alone has. */
  mark(event: TransferEvent): TransferEvent {
    if (!("descriptor" in event) || event.kind === "tagged") return event;
    const platform = this.#platforms.get(event.descriptor.digest);
    return platform === undefined ? event : { ...event, platform };
  }

  #add(digest: Digest, platform: Platform): void {
    const isOthers = this.#platforms.has(digest) && this.#platforms.get(digest) !== platform;
    this.#platforms.set(digest, isOthers ? undefined : platform);
  }
}
