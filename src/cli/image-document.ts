import type { Descriptor } from "../model/descriptor.ts";
import { formatLocation } from "../model/location.ts";
import { formatPlatform } from "../model/platform.ts";
import { type ImageTree, subjectOf, type TreeChild, type TreeImage } from "../ops/image-tree.ts";
import { layersSize } from "../ops/resolve-image.ts";

/** What `inspect --json` prints; `docs/images.md` describes it. Fields may be added, none is renamed or removed. */
export function imageDocument({ location, top, index, children }: ImageTree): unknown {
  const { digest, mediaType, size } = top.descriptor;
  return {
    reference: formatLocation(location),
    digest,
    mediaType,
    size,
    platforms: children.flatMap((child) => (child.kind === "image" ? [platformOf(child)] : [])),
    ...(index !== undefined && { annotations: index.annotations }),
    manifests: children.map(childDocument),
  };
}

/** The platform of an image: its index's word where there is one, else its configuration's. */
export function platformOf({ entry, config }: TreeImage): string {
  return formatPlatform(entry?.platform ?? config.platform);
}

function childDocument(child: TreeChild): unknown {
  if (!("stored" in child)) return { kind: child.kind, ...named(child.entry), ...entryFacts(child.entry) };
  const { kind, stored, manifest, entry } = child;
  const facts = {
    kind,
    ...named(stored.descriptor),
    ...(kind === "image" ? { platform: platformOf(child) } : {}),
    ...entryFacts(entry),
    annotations: manifest.annotations,
  };
  if (kind !== "image") {
    const subject = entry && subjectOf(entry);
    const layers = manifest.layers.map((layer) => ({ ...named(layer), annotations: layer.annotations }));
    return { ...facts, ...(subject !== undefined && { subject }), layers };
  }
  const { config } = child;
  return {
    ...facts,
    layersSize: layersSize(manifest.layers),
    layers: manifest.layers.map((layer, i) => ({
      ...named(layer),
      diffId: config.diffIds[i],
      ...(layer.annotations !== undefined && { annotations: layer.annotations }),
    })),
    config: { ...named(manifest.config), document: config.document },
  };
}

function named({ digest, mediaType, size }: Descriptor): object {
  return { digest, mediaType, size };
}

function entryFacts(entry: Descriptor | undefined): object {
  return entry?.annotations === undefined ? {} : { entryAnnotations: entry.annotations };
}
