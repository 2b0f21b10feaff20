import type { Json } from "../model/json.ts";
import type { CopiedImage } from "../ops/copy-image.ts";
import type { CopyResult } from "../ops/copy-images.ts";
import { formatBytes, formatDuration } from "./quantities.ts";

/** What a person wants to know at the end. */
export function summarizeCopy({
  images,
  vanished,
  referrers,
  manifests,
  figures,
  forecast,
}: CopyResult): string {
  const { downloadedBytes, uploadedBlobs, mountedBlobs, presentBlobs, elapsedMs } = figures;
  const moved = images.filter(({ isMoved }) => isMoved).length;
  const rows: (readonly [string, string])[] = [];
  if (forecast !== undefined) {
    const { copiedBytes, copiedBlobs, mountedBytes } = forecast;
    rows.push([
      "would copy",
      `${formatBytes(copiedBytes)} with ${copiedBlobs} blobs; ${formatBytes(mountedBytes)} would be mounted`,
    ]);
    rows.push(["would move", `${moved} of ${images.length} tags`]);
  } else {
    rows.push(["tags", `${moved} moved, ${images.length - moved} named the same before`]);
    rows.push(["manifests", `${manifests.written} written, ${manifests.present} already there`]);
    rows.push(["blobs", `${uploadedBlobs} sent, ${mountedBlobs} mounted, ${presentBlobs} already there`]);
    rows.push(["read", formatBytes(downloadedBytes)]);
  }
  rows.push(["referrers", String(referrers)]);
  if (vanished.length > 0) rows.push(["vanished", vanished.join(", ")]);
  rows.push(["time", formatDuration(elapsedMs)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

/** `registry/repository:tag@sha256:…`, or without the tag where there is none. */
export function copiedName(target: string, { tag, descriptor }: CopiedImage): string {
  const name = tag === undefined ? target : `${target}:${tag}`;
  return `${name}@${descriptor.digest}`;
}

/** What `--json` prints. */
export function copyDocument(result: CopyResult): { [key: string]: Json } {
  const { source, target, images, vanished, referrers, manifests, figures, forecast } = result;
  return {
    source,
    target,
    images: images.map(({ tag, descriptor, isMoved }) => ({
      ...(tag !== undefined && { tag }),
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      size: descriptor.size,
      moved: isMoved,
    })),
    vanished: [...vanished],
    referrers,
    manifests: { ...manifests },
    ...(forecast === undefined ? { figures: { ...figures } } : { forecast: { ...forecast } }),
  };
}
