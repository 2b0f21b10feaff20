import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import { StagedBodies } from "../layers/staged-bodies.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/**
 * The layers of an image, bottom to top, one object for each distinct blob among all images.
 *
 * @param known the blobs met so far, by digest; new ones are added.
 * @param open how a layer's content is had; by default from the image's own source.
 */
export function layerBlobs(
  image: ResolvedImage,
  known: Map<Digest, LayerBlob>,
  open = (layer: Descriptor, call: Call): Promise<Content> => image.source.fetch(layer, call),
): LayerBlob[] {
  return image.manifest.layers.map((descriptor, i) => {
    const blob = known.get(descriptor.digest) ?? {
      descriptor,
      name: `${image.side} layer ${i + 1} of ${image.source.name}`,
      open: (call: Call) => open(descriptor, call),
      bodies: new StagedBodies(),
    };
    known.set(descriptor.digest, blob);
    return blob;
  });
}
