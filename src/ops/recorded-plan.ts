import type { ImageLocation } from "../model/location.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import type { BaseImage, ComposePlan, CopySource } from "../plan/compose-plan.ts";
import { defaultCompression } from "../plan/compression.ts";
import { imageSource } from "../plan/copy-source.ts";
import type { PlanDraft } from "../plan/plan-draft.ts";
import type { RecordedImage } from "./parse-record.ts";
import type { RecordedComposition } from "./read-record.ts";

/** Which images are meant: those of then, by their digests, or what their tags stand for now. */
export type RecordedReferences = "pinned" | "floating";

/** A plan whose images cannot all be named. */
export interface RecordedPlan {
  /** Without targets. */
  readonly plan: ComposePlan;
  /** Names for the images that the record has none for, by their place in the plan. */
  readonly unnamed: ReadonlyMap<ImageLocation, UnnamedImage>;
}

/** An image without a public name. */
export interface UnnamedImage {
  /** `BASE`, `BUILDER`, `BUILDER_2`. */
  readonly variable: string;
  readonly image: RecordedImage;
}

/** What a composed image was made from, as a plan in which each image has a place, be it without a name. */
export function planFromRecord(
  composition: RecordedComposition,
  references: RecordedReferences,
): RecordedPlan {
  const { record, platform, annotations, historyComment } = composition;
  const unnamed = new Map<ImageLocation, UnnamedImage>();
  const located = (image: RecordedImage, variable: string): ImageLocation => {
    const known = recordedLocation(image, references);
    if (known !== undefined) return known;
    const location: ImageLocation = { transport: "oci", directory: "" };
    unnamed.set(location, { variable, image });
    return location;
  };
  const isSeveral = record.builders.length > 1;
  const sources = record.builders.map((image, i) =>
    imageSource(located(image, isSeveral ? `BUILDER_${i + 1}` : "BUILDER")),
  );
  const plan: ComposePlan = {
    base:
      record.base === undefined
        ? { kind: "scratch" }
        : { kind: "image", location: located(record.base, "BASE") },
    copies: record.copies.flatMap(({ from, ...step }) => {
      const source = sources[from];
      return source === undefined ? [] : { ...step, from: source };
    }),
    config: record.config,
    annotations,
    targets: [],
    compression: defaultCompression,
    record: "annotations",
    ...writing(record, platform),
    ...(historyComment !== undefined && { historyComment }),
  };
  return { plan, unnamed };
}

/**
 * The same as a draft, to be changed by other drafts. What has no name is left open: a base, and builders in the steps that
 * took from them. A single builder is the draft's, as it is in a file. It has no targets.
 */
export function draftFromRecord(composition: RecordedComposition, references: RecordedReferences): PlanDraft {
  const { plan, unnamed } = planFromRecord(composition, references);
  const { base, copies, targets: _, ...rest } = plan;
  const isNamed = (image: CopySource | BaseImage): boolean =>
    image.kind !== "image" || !unnamed.has(image.location);
  const [only, ...more] = new Set(copies.map(({ from }) => from));
  const isShared = more.length === 0;
  return {
    ...rest,
    ...(isNamed(base) && { base }),
    ...(isShared && only !== undefined && isNamed(only) && { builder: only }),
    copies: copies.map(({ from, ...step }) => ({ ...step, ...(!isShared && isNamed(from) && { from }) })),
  };
}

function recordedLocation(
  { reference, digest }: RecordedImage,
  references: RecordedReferences,
): ImageLocation | undefined {
  if (reference === undefined) return undefined;
  const { digest: _, ...named } = reference;
  const isPinned = references === "pinned" || named.tag === undefined;
  return { transport: "registry", reference: { ...named, ...(isPinned && { digest }) } };
}

/** Platforms, and how the image is written. Builders of several platforms, on scratch alone, have to be found as then. */
function writing(
  { builders, options }: RecordedComposition["record"],
  platform: Platform,
): Pick<ComposePlan, "platform" | "builderPlatform" | "sourceDateEpoch" | "format"> &
  Partial<Pick<ComposePlan, "compression">> {
  const platforms = builders.map((builder) => builder.platform ?? platform);
  const [first = platform] = platforms;
  const isOne = new Set(platforms.map(formatPlatform)).size <= 1;
  return {
    ...(isOne && { platform }),
    ...(isOne && formatPlatform(first) !== formatPlatform(platform) && { builderPlatform: first }),
    ...options,
  };
}
