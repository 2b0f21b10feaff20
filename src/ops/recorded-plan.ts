import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import type {
  BaseImage,
  ComposePlan,
  CopySource,
  CopyStep,
  LocalSource,
  Stage,
} from "../plan/compose-plan.ts";
import { defaultCompression } from "../plan/compression.ts";
import type { PlanDraft } from "../plan/plan-draft.ts";
import { stagesBelow } from "../plan/stages.ts";
import type { Text } from "../plan/text.ts";
import type { ImageRecord, RecordedDirectory, RecordedImage } from "./parse-record.ts";
import type { RecordedComposition } from "./read-record.ts";
import type { RecordedCopy } from "./record-steps.ts";

/** Which images are meant: those of then, by their digests, or what their tags stand for now. */
export type RecordedReferences = "pinned" | "floating";

type ImageOrigin = Extract<CopySource, { kind: "image" }>;

/** A plan whose images cannot all be named. */
export interface RecordedPlan {
  /** Without targets. */
  readonly plan: ComposePlan;
  /** What the record has no name for, by its place in the plan. */
  readonly unnamed: ReadonlyMap<BaseImage | CopySource, UnnamedOrigin>;
}

/** An image or directory without a public name. */
export interface UnnamedOrigin {
  /** `BASE`, `BUILDER`, `BUILDER_2`. */
  readonly variable: string;
  readonly origin: RecordedImage | RecordedDirectory;
}

/** What a composed image was made from, as a plan in which everything has a place, be it without a name. */
export function planFromRecord(
  {
    record,
    platform,
    annotations,
    historyComment,
  }: Omit<RecordedComposition, "edits" | "location" | "resolved">,
  references: RecordedReferences,
): RecordedPlan {
  const unnamed = new Map<BaseImage | CopySource, UnnamedOrigin>();
  const imageOf = (origin: RecordedImage, variable: string): ImageOrigin => {
    const location = recordedLocation(origin, references);
    if (location !== undefined) return { kind: "image", location };
    const image: ImageOrigin = { kind: "image", location: { transport: "oci", directory: "" } };
    unnamed.set(image, { variable, origin });
    return image;
  };
  const origins = record.builders.map((origin, i): ImageOrigin | LocalSource => {
    const variable = record.builders.length > 1 ? `BUILDER_${i + 1}` : "BUILDER";
    if (origin.kind === "image") return imageOf(origin, variable);
    const directory: LocalSource = { kind: "local", directory: "" };
    unnamed.set(directory, { variable, origin });
    return directory;
  });
  const stages: CopySource[] = [];
  const copySteps = (copies: readonly RecordedCopy[]): CopyStep[] =>
    copies.flatMap(({ from, ...step }) => {
      const source = "stage" in from ? stages[from.stage] : origins[from.builder];
      return source === undefined ? [] : { ...step, from: source };
    });
  for (const { base, platform: stagePlatform, workdir, copies } of record.stages) {
    const image = base === undefined ? undefined : origins[base];
    const stage: Stage = {
      name: `stage-${stages.length + 1}`,
      base: image?.kind === "image" ? image : { kind: "scratch" },
      ...(stagePlatform !== undefined && { platform: stagePlatform }),
      copies: copySteps(copies),
      config: workdir.length === 0 ? {} : { workdir: only(workdir) },
    };
    stages.push({ kind: "stage", stage });
  }
  const plan: ComposePlan = {
    base: record.base === undefined ? { kind: "scratch" } : imageOf(record.base, "BASE"),
    copies: copySteps(record.copies),
    config: record.config,
    annotations,
    targets: [],
    compression: defaultCompression,
    record: "annotations",
    ...platformsOf(record, platform),
    ...record.options,
    ...(historyComment !== undefined && { historyComment }),
  };
  return { plan, unnamed };
}

/**
 * The same as a draft, to be changed by other drafts. What has no name is left open: a base, and what the steps took from
 * that have none. A single builder is the draft's, as it is in a file. It has no targets.
 *
 * @throws ComposeImageError `USAGE` where a stage needs what has no name.
 */
export function draftFromRecord(composition: RecordedComposition, references: RecordedReferences): PlanDraft {
  const { plan, unnamed } = planFromRecord(composition, references);
  const { base, copies, targets: _, ...rest } = plan;
  const stages = stagesBelow(plan).flatMap((stage) => [stage.base, ...stage.copies.map(({ from }) => from)]);
  if (stages.some((origin) => unnamed.has(origin))) {
    throw new ComposeImageError(
      "USAGE",
      `${formatLocation(composition.location)}: a stage was made from what had no name that others could use`,
      { hint: "Print the plan with compose-image explain, and compose from it with --var." },
    );
  }
  const [sole, ...more] = new Set(copies.map(({ from }) => from));
  const isShared = more.length === 0;
  return {
    ...rest,
    ...(!unnamed.has(base) && { base }),
    ...(isShared && sole !== undefined && !unnamed.has(sole) && { builder: sole }),
    copies: copies.map(({ from, ...step }) => ({
      ...step,
      ...(!isShared && !unnamed.has(from) && { from }),
    })),
    copiesNothing: copies.length === 0,
  };
}

/** One text is written as it is, several as a list. */
function only(texts: readonly Text[]): Text | readonly Text[] {
  const [first, ...more] = texts;
  return first !== undefined && more.length === 0 ? first : texts;
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

/** Of builders for several platforms, which are for scratch alone, the platforms have to be chosen as they were then. */
function platformsOf(
  { builders, stages, copies }: ImageRecord,
  platform: Platform,
): Pick<ComposePlan, "platform" | "builderPlatform"> {
  const steps = [...copies, ...stages.flatMap((stage) => stage.copies)];
  const used = [
    ...steps.flatMap(({ from }) => ("builder" in from ? from.builder : [])),
    ...stages.flatMap((stage) => (stage.platform === undefined ? (stage.base ?? []) : [])),
  ];
  const platforms = used.flatMap((at): Platform[] => {
    const origin = builders[at];
    return origin?.kind === "image" ? [origin.platform ?? platform] : [];
  });
  const [first = platform] = platforms;
  if (new Set(platforms.map(formatPlatform)).size > 1) return {};
  const isOther = formatPlatform(first) !== formatPlatform(platform);
  return { platform, ...(isOther && { builderPlatform: first }) };
}
