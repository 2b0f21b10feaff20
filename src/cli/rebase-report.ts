import type { Descriptor } from "../model/descriptor.ts";
import { formatLocation } from "../model/location.ts";
import { formatPlatform } from "../model/platform.ts";
import { visibleText } from "../model/visible-text.ts";
import type { RebaseResult } from "../ops/rebase-image.ts";
import type { RebasedImage } from "../ops/rebased-image.ts";
import type { ResolvedImage } from "../ops/resolve-image.ts";
import { droppedLines } from "./config-report.ts";
import { valueLines } from "./image-difference.ts";
import { formatBytes } from "./quantities.ts";

/** What `rebase` did, or would do, for people. */
export function describeRebased({ images, dropped }: RebaseResult): string {
  const lines = [...images.flatMap(imageLines), ...droppedLines(dropped)];
  return lines.map((line) => `${line}\n`).join("");
}

function imageLines(image: RebasedImage): string[] {
  const { platform, after, oldBase, newBase, kept, dropped, added, config, annotations } = image;
  const from = oldBase === undefined ? "a base that is not to be had" : baseName(oldBase);
  return [
    `${formatPlatform(platform)}  ${after}`,
    `  from ${from}`,
    `  to   ${baseName(newBase)}`,
    ...kept.map(layerLine("kept")),
    ...dropped.map(layerLine("dropped")),
    ...added.map(layerLine("added")),
    ...config.flatMap(({ field, key, ...values }) =>
      valueLines(key === undefined ? [field] : [field, key], values),
    ),
    ...annotations.flatMap(({ key, ...values }) => valueLines(["annotation", key], values)),
  ];
}

function layerLine(word: string): (layer: Descriptor) => string {
  return ({ digest, size }) => `  ${word.padEnd(7)}  ${digest}  ${formatBytes(size)}`;
}

function baseName({ location }: ResolvedImage): string {
  return visibleText(formatLocation(location));
}

/** What `rebase --json` prints. Fields may be added, none is renamed or removed. */
export function rebasedDocument({ descriptor, images, dropped, pushed }: RebaseResult): unknown {
  return {
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    size: descriptor.size,
    images: images.map(({ platform, before, after, oldBase, newBase, ...image }) => ({
      platform: formatPlatform(platform),
      before,
      after,
      oldBase: oldBase && baseDocument(oldBase),
      newBase: baseDocument(newBase),
      layers: {
        kept: image.kept.map(named),
        dropped: image.dropped.map(named),
        added: image.added.map(named),
      },
      config: image.config,
      annotations: image.annotations,
    })),
    dropped: dropped.map(({ digest }) => digest),
    pushed,
  };
}

function baseDocument({ location, resolved }: ResolvedImage): object {
  return { reference: formatLocation(location), digest: resolved.digest };
}

function named({ digest, mediaType, size }: Descriptor): object {
  return { digest, mediaType, size };
}
