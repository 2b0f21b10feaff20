import { type Descriptor, describeBytes } from "../model/descriptor.ts";
import { encodeIndex, type ImageIndex } from "../model/manifest.ts";
import { mediaTypes } from "../model/media-types.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import type { StoredManifest } from "../store/source.ts";
import { appendToTag } from "./append-platforms.ts";
import type { ComposedImage, Composition } from "./assemble-image.ts";
import type { Compositions } from "./compositions.ts";
import type { TopManifest } from "./move-tags.ts";
import type { ImageToPush } from "./push-image.ts";
import { baseAnnotations } from "./record.ts";

/** What the targets' tags are to name: the one image's manifest, or an index over the images, in their order. */
export function topManifest(
  plan: ComposePlan,
  { kind, all }: Compositions,
  assembled: readonly { readonly image: ComposedImage; readonly toPush: ImageToPush }[],
): { readonly descriptor: Descriptor; readonly topOf: TopManifest } {
  const [first] = assembled;
  if (kind === "manifest" && first !== undefined) {
    const { manifest } = first.toPush;
    return { descriptor: manifest.descriptor, topOf: async () => manifest };
  }
  const index = indexOver(
    all,
    assembled.map(({ image }) => image),
  );
  const stored = storedIndex(index);
  const topOf: TopManifest = async (target, tag, call) =>
    plan.appendPlatforms === true && tag !== undefined
      ? storedIndex(await appendToTag(index, target, tag, call))
      : stored;
  return { descriptor: stored.descriptor, topOf };
}

function indexOver(all: readonly Composition[], images: readonly ComposedImage[]): ImageIndex {
  const [first] = all;
  const family = first?.parts.family ?? "oci";
  const manifests = images.map(({ descriptor, platform }): Descriptor => ({ ...descriptor, platform }));
  const annotations =
    family === "docker" ? {} : { ...baseAnnotations(first?.images.base), ...first?.plan.annotations };
  return { kind: "index", mediaType: mediaTypes[family].index, manifests, annotations };
}

function storedIndex(index: ImageIndex): StoredManifest {
  const bytes = encodeIndex(index);
  return { descriptor: describeBytes(index.mediaType, bytes), bytes };
}
