import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import type { LayerListing } from "../layers/layer-listing.ts";
import { StagedBodies } from "../layers/staged-bodies.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** How layers are had; all of it may be left out. */
export interface LayerBlobsOptions {
  /** Opens a layer; by default in the image's own source. */
  readonly open?: (layer: Descriptor, call: Call) => Promise<Content>;
  /** Where what a layer holds is kept between runs; by default nowhere. */
  readonly listingOf?: (layer: Descriptor) => LayerListing | undefined;
}

/**
 * The layers of an image, bottom to top, one object for each distinct blob among all images.
 *
 * @param known the blobs met so far, by digest; new ones are added.
 */
export function layerBlobs(
  image: ResolvedImage,
  known: Map<Digest, LayerBlob>,
  options: LayerBlobsOptions = {},
): LayerBlob[] {
  const { open = (layer: Descriptor, call: Call) => image.source.fetch(layer, call), listingOf } = options;
  return image.manifest.layers.map((descriptor, i) => {
    const blob = known.get(descriptor.digest) ?? {
      descriptor,
      name: `${image.side} layer ${i + 1} of ${image.source.name}`,
      open: (call: Call) => open(descriptor, call),
      bodies: new StagedBodies(),
      listing: listingOf?.(descriptor),
    };
    known.set(descriptor.digest, blob);
    return blob;
  });
}
