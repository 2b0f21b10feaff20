import type { JsonObject } from "../model/json.ts";
import { formatPlatform, normalizePlatform, platformToJson } from "../model/platform.ts";
import type { ComposedImage } from "../ops/assemble-image.ts";
import type { ComposeResult } from "../ops/compose.ts";

/** What `--json` prints. Sizes are bytes, times milliseconds. */
export function composeDocument(result: ComposeResult): unknown {
  const { kind, platforms, images, descriptor, forecast, pushed, figures } = result;
  const entries = platforms.map((platform, i) => ({
    platform: formatPlatform(platform),
    ...(images[i] !== undefined && imageDocument(images[i])),
  }));
  return {
    ...(kind === "manifest"
      ? entries[0]
      : {
          ...(descriptor !== undefined && {
            digest: descriptor.digest,
            mediaType: descriptor.mediaType,
            size: descriptor.size,
          }),
          platforms: entries,
        }),
    ...(forecast !== undefined && { forecast }),
    pushed,
    figures: { ...figures, elapsedMs: Math.round(figures.elapsedMs) },
  };
}

function imageDocument(image: ComposedImage): object {
  return {
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
  };
}

/**
 * What `--metadata-file` holds, under the keys BuildKit uses: those of an index have neither configuration nor platform.
 *
 * @see https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file
 */
export function metadataDocument({ kind, images, descriptor, pushed }: ComposeResult): JsonObject {
  const image = kind === "manifest" ? images[0] : undefined;
  const names = pushed.flatMap(({ name, tags }) => tags.map((tag) => `${name}:${tag}`));
  return {
    ...(image !== undefined && { "containerimage.config.digest": image.config.digest }),
    ...(descriptor !== undefined && {
      "containerimage.descriptor": {
        mediaType: descriptor.mediaType,
        digest: descriptor.digest,
        size: descriptor.size,
        ...(image !== undefined && { platform: platformToJson(normalizePlatform(image.platform)) }),
      },
      "containerimage.digest": descriptor.digest,
    }),
    ...(names.length > 0 && { "image.name": names.join(",") }),
  };
}
