import type { JsonObject } from "../model/json.ts";
import { formatPlatform } from "../model/platform.ts";
import type { ComposedImage } from "../ops/assemble-image.ts";
import type { ComposeResult } from "../ops/compose.ts";

/** What `--json` prints. Sizes are bytes, times milliseconds. */
export function composeDocument({ platform, image, forecast, pushed, figures }: ComposeResult): unknown {
  return {
    platform: formatPlatform(platform),
    ...(image !== undefined && {
      digest: image.descriptor.digest,
      mediaType: image.descriptor.mediaType,
      size: image.descriptor.size,
      config: image.config,
      layer: {
        ...image.layer,
        diffId: image.diffId,
        entries: image.layerEntries,
        tarSize: image.layerTarSize,
      },
    }),
    ...(forecast !== undefined && { forecast }),
    pushed,
    figures: { ...figures, elapsedMs: Math.round(figures.elapsedMs) },
  };
}

/**
 * What `--metadata-file` holds, under the keys BuildKit uses.
 *
 * @see https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file
 */
export function metadataDocument({ platform, pushed }: ComposeResult, image: ComposedImage): JsonObject {
  const [os = "", architecture = "", variant] = formatPlatform(platform).split("/");
  const { mediaType, digest, size } = image.descriptor;
  const names = pushed.flatMap(({ name, tags }) => tags.map((tag) => `${name}:${tag}`));
  return {
    "containerimage.config.digest": image.config.digest,
    "containerimage.descriptor": {
      mediaType,
      digest,
      size,
      platform: { architecture, os, ...(variant !== undefined && { variant }) },
    },
    "containerimage.digest": digest,
    ...(names.length > 0 && { "image.name": names.join(",") }),
  };
}
