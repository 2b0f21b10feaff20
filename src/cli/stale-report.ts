import { type Digest, digestAlgorithm, digestHex } from "../model/digest.ts";
import type { JsonObject } from "../model/json.ts";
import { formatLocation } from "../model/location.ts";
import { formatReference } from "../model/reference.ts";
import { visibleText } from "../model/visible-text.ts";
import type { StaleCheck, StaleImage } from "../ops/check-stale.ts";

/** A line for each image that one was made from. With several images, the first column says which. */
export function describeStale(images: readonly StaleImage[]): string {
  const rows = images.flatMap(({ location, checks, failure }): string[][] => {
    const name = images.length > 1 ? [visibleText(formatLocation(location))] : [];
    if (failure !== undefined) return [[...name, "-", "-", "-", "-", "not read"]];
    return checks.map((check) => [...name, ...cellsOf(check)]);
  });
  const heading = [...(images.length > 1 ? ["image"] : []), "side", "reference", "recorded", "now", "status"];
  const table = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** The same for programs, with whole digests. */
export function staleDocument(images: readonly StaleImage[]): JsonObject[] {
  return images.map(({ location, checks, failure }) => ({
    image: formatLocation(location),
    ...(failure !== undefined && { failure: failure.message, code: failure.code }),
    checks: checks.map(({ side, image: { reference, digest }, current, status, failure: why }) => ({
      side,
      ...(reference !== undefined && { reference: formatReference(reference) }),
      recorded: digest,
      ...(current !== undefined && { current }),
      status,
      ...(why !== undefined && { failure: why.message, code: why.code }),
    })),
  }));
}

const statuses: Readonly<Record<StaleCheck["status"], string>> = {
  same: "same",
  moved: "moved",
  pinned: "pinned by its digest",
  unnamed: "had no public name",
  gone: "gone",
  unknown: "not found out",
};

function cellsOf({ side, image: { reference, digest }, current, status }: StaleCheck): string[] {
  return [
    side,
    reference === undefined ? "-" : formatReference(reference),
    shortened(digest),
    current === undefined ? "-" : shortened(current),
    statuses[status],
  ];
}

/** As much of a digest as people compare. */
function shortened(digest: Digest): string {
  return `${digestAlgorithm(digest)}:${digestHex(digest).slice(0, 12)}`;
}
