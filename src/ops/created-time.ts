import type { ComposePlan } from "../plan/compose-plan.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** The epoch, as images without a time of their own are dated. */
const epoch = "1970-01-01T00:00:00Z";

/**
 * The composed image's `created`, RFC 3339: the source date epoch; else the builders' newest when the record names
 * them; else the base's; else the epoch. Never the clock.
 */
export function createdTime(
  { sourceDateEpoch, record }: ComposePlan,
  base: ResolvedImage | undefined,
  builders: readonly ResolvedImage[],
): string {
  if (sourceDateEpoch !== undefined) return formatSeconds(sourceDateEpoch);
  const times = record === "none" ? [] : builders.flatMap(({ config }) => config.created ?? []);
  const newest = times
    .filter((time) => !Number.isNaN(Date.parse(time)))
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
  return newest ?? base?.config.created ?? epoch;
}

/** Seconds since 1970 as RFC 3339. */
export function formatSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
