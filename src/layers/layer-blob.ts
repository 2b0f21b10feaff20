import type { OpenContent } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { LayerListing } from "./layer-listing.ts";
import type { StagedBodies } from "./staged-bodies.ts";

/** One distinct layer, however many images and positions it appears at. */
export interface LayerBlob {
  readonly descriptor: Descriptor;
  /** For messages: `builder layer 3 of registry.example/app:1`. */
  readonly name: string;
  /** The compressed bytes, verified at their end. */
  readonly open: OpenContent;
  /** What has been put aside of it so far. */
  readonly bodies: StagedBodies;
  /** Set where what the layer holds is kept between runs. */
  readonly listing?: LayerListing | undefined;
}
