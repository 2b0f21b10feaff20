import type { Descriptor } from "../model/descriptor.ts";
import { formatPlatform } from "../model/platform.ts";
import type { ConfigureResult } from "../ops/configure-image.ts";
import { valueLines } from "./image-difference.ts";

/** What `config` changed, for people. */
export function describeConfigured({ images, indexAnnotations, dropped }: ConfigureResult): string {
  const lines = [
    ...images.flatMap(({ platform, before, after, config, annotations }) => [
      `${formatPlatform(platform)}  ${before === after ? "stays as it is" : after}`,
      ...config.flatMap(({ field, key, ...values }) =>
        valueLines(key === undefined ? [field] : [field, key], values),
      ),
      ...annotations.flatMap(({ key, ...values }) => valueLines(["annotation", key], values)),
    ]),
    ...indexAnnotations.flatMap(({ key, ...values }) => valueLines(["annotation of the index", key], values)),
    ...droppedLines(dropped),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Attestations that an edited index no longer has. */
export function droppedLines(dropped: readonly Descriptor[]): string[] {
  return dropped.map(({ digest }) => `left out: attestation ${digest} of a manifest that was changed`);
}

/** What `config --json` prints. Fields may be added, none is renamed or removed. */
export function configuredDocument(result: ConfigureResult): unknown {
  const { descriptor, images, indexAnnotations, dropped, pushed } = result;
  return {
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    size: descriptor.size,
    images: images.map(({ platform, ...image }) => ({ platform: formatPlatform(platform), ...image })),
    indexAnnotations,
    dropped: dropped.map(({ digest }) => digest),
    pushed,
  };
}
