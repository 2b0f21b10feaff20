import { formatPlatform } from "../model/platform.ts";
import type { ComposeResult } from "../ops/compose.ts";
import type { ComposeForecast } from "../ops/compose-forecast.ts";
import { formatBytes, formatDuration } from "./quantities.ts";

/** What a person wants to know at the end. */
export function summarize({ kind, figures, images }: ComposeResult): string {
  const { builderSize, baseSize, composedSize, downloadedBytes, uploadedBytes } = figures;
  const { uploadedBlobs, mountedBlobs, presentBlobs, elapsedMs } = figures;
  const layers = images.map(
    ({ layer, layerEntries }) =>
      `new layer ${formatBytes(layer.size)} with ${counted(layerEntries, "entry", "entries")}`,
  );
  const composed = `${formatBytes(composedSize)}${comparison(composedSize, builderSize)}`;
  return table([
    ...(builderSize === 0 ? [] : [["builder", formatBytes(builderSize)] as const]),
    ["base", formatBytes(baseSize)],
    ["composed", kind === "manifest" ? [composed, ...layers].join(", ") : composed],
    ...(kind === "manifest" ? [] : images).map(({ platform, descriptor }, i): [string, string] => [
      formatPlatform(platform),
      `${layers[i]}, ${descriptor.digest}`,
    ]),
    ["downloaded", formatBytes(downloadedBytes)],
    ["uploaded", formatBytes(uploadedBytes)],
    ["blobs", `${uploadedBlobs} uploaded, ${mountedBlobs} mounted, ${presentBlobs} already there`],
    ["time", formatDuration(elapsedMs)],
  ]);
}

/** What a dry run found. */
export function describeForecast({ reads, directories, targets }: ComposeForecast): string {
  return table([
    ...reads.map(({ image, layers, bytes }): [string, string] => [
      "would read",
      `${formatBytes(bytes)} in ${counted(layers, "layer", "layers")} of ${image}`,
    ]),
    ...directories.map((name): [string, string] => ["would read", name]),
    ...targets.map(({ target, presentBytes, mountedBytes, copiedBytes }): [string, string] => [
      "would push",
      `to ${target}: the new layer; of the base, ${formatBytes(presentBytes)} are there, ${formatBytes(mountedBytes)} would be mounted, ${formatBytes(copiedBytes)} copied`,
    ]),
  ]);
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

function comparison(composed: number, builder: number): string {
  if (builder === 0 || composed === 0) return "";
  const percent = Math.round((composed / builder) * 100);
  return ` (${percent} % of the builder)`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}
