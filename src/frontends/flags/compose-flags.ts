import { ComposeImageError } from "../../model/errors.ts";
import { parseOwner } from "../../model/owner.ts";
import { parsePlatform } from "../../model/platform.ts";
import { formats, oneOf, records } from "../../plan/choices.ts";
import type { ComposePlan } from "../../plan/compose-plan.ts";
import { parseCompression } from "../../plan/compression.ts";
import { parseCopySource } from "../../plan/copy-source.ts";
import { parseDirectory } from "../../plan/directory.ts";
import { parseBase, parseTarget } from "../../plan/images.ts";
import { parseMode } from "../../plan/mode.ts";
import {
  type CopyOptions,
  completePlan,
  type DraftCopy,
  type PlanDraft,
  type PlanPart,
} from "../../plan/plan-draft.ts";
import { joinPlatforms, type PlatformChoice, parsePlatforms } from "../../plan/platforms.ts";
import { parseSourceDateEpoch } from "../../plan/source-date-epoch.ts";
import { within } from "../../plan/within.ts";
import { type ConfigFlags, configChanges } from "./config-changes.ts";
import { parsePairs } from "./pairs.ts";

/**
 * What `compose-image compose` is told by its flags, in the flags' own words; `docs` of each flag are in the README.
 * A list may be left out; maps may be given as `["KEY=VALUE"]`.
 */
export interface ComposeFlags extends ConfigFlags {
  /** Image the directories are taken from. */
  readonly builder?: string | undefined;
  /** Image to build on, or `scratch`. */
  readonly base?: string | undefined;
  /** `SRC` or `SRC:DST`; at least one. */
  readonly directory?: readonly string[] | undefined;
  /** Where the image goes; at least one. */
  readonly tag?: readonly string[] | undefined;
  readonly annotation?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** `user`, `user:group` or `:group`, by name or number. */
  readonly chown?: string | undefined;
  /** Octal. */
  readonly chmod?: string | undefined;
  /** Patterns as in `.dockerignore`. */
  readonly exclude?: readonly string[] | undefined;
  readonly link?: boolean | undefined;
  /** `annotations` (the default) or `none`. */
  readonly record?: string | undefined;
  /** `oci` or `docker`; default the base's. */
  readonly format?: string | undefined;
  /** One; several, with commas between them or as a list; or `all`. */
  readonly platform?: string | readonly string[] | undefined;
  /** Whether tags become indexes that keep the images for other platforms they name. */
  readonly appendPlatforms?: boolean | undefined;
  readonly builderPlatform?: string | undefined;
  /** `gzip[:LEVEL]` (the default, level 6) or `none`. */
  readonly compression?: string | undefined;
  /** Seconds since the epoch. */
  readonly sourceDateEpoch?: string | number | undefined;
  readonly historyComment?: string | undefined;
}

/**
 * Turns flags into a plan. Touches neither network nor files.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` naming the flag.
 */
export function parseComposeFlags(flags: ComposeFlags): ComposePlan {
  return completePlan(draftFromFlags(flags), missingFlag);
}

/**
 * What the flags say, be it a whole plan or not.
 *
 * @throws ComposeImageError as {@link parseComposeFlags} does, but for what is missing.
 */
export function draftFromFlags(flags: ComposeFlags): PlanDraft {
  const { builder, base, directory = [], tag = [], annotation, compression, record } = flags;
  const { platform, appendPlatforms, builderPlatform, format, sourceDateEpoch, historyComment } = flags;
  if (builder === "") throw missingFlag("builder");
  if (base === "") throw missingFlag("base");
  return {
    ...(builder !== undefined && { builder: parseCopySource(builder, "--builder") }),
    ...(base !== undefined && { base: parseBase(base, "--base") }),
    ...(directory.length > 0 && { copies: directory.map(copyStep) }),
    copyOptions: copyOptions(flags),
    config: configChanges(flags),
    annotations: parsePairs(annotation, "--annotation"),
    ...(tag.length > 0 && { targets: tag.map((text) => parseTarget(text, "--tag")) }),
    ...(platform !== undefined && { platforms: platformChoice(platform) }),
    ...(appendPlatforms !== undefined && { appendPlatforms }),
    ...(builderPlatform !== undefined && {
      builderPlatform: within("--builder-platform", () => parsePlatform(builderPlatform)),
    }),
    ...(format !== undefined && { format: oneOf(format, formats, "--format") }),
    ...(compression !== undefined && { compression: parseCompression(compression, "--compression") }),
    ...(record !== undefined && { record: oneOf(record, records, "--record") }),
    ...(sourceDateEpoch !== undefined && { sourceDateEpoch: parseSourceDateEpoch(sourceDateEpoch) }),
    ...(historyComment !== undefined && { historyComment }),
  };
}

/** The error for a part of the plan that no flag gives. */
function missingFlag(part: PlanPart): ComposeImageError {
  const [message, hint] = missingParts[part];
  return new ComposeImageError("USAGE", message, { hint });
}

const missingParts: Readonly<Record<PlanPart, readonly [message: string, hint: string]>> = {
  builder: ["--builder is missing", "Name the image to take directories from."],
  base: ["--base is missing", "Name the image to build on, or scratch."],
  copies: [
    "nothing to copy: no --directory given",
    "Name what to take from the builder, for example --directory /opt/app-root/src:/run/app.",
  ],
  targets: [
    "nowhere to push to: no --tag given",
    "Name the image to make, for example --tag registry.example/app:1.2.3.",
  ],
};

function platformChoice(platform: string | readonly string[]): PlatformChoice {
  const texts = typeof platform === "string" ? [platform] : platform;
  return joinPlatforms(
    texts.map((text) => parsePlatforms(text, "--platform")),
    "--platform",
  );
}

function copyStep(directory: string): DraftCopy {
  const { source, destination } = parseDirectory(directory, "--directory");
  return { sources: [source], destination, exclude: [], link: false };
}

function copyOptions({ chown, chmod, exclude, link }: ComposeFlags): CopyOptions {
  return {
    ...(chown !== undefined && { chown: within("--chown", () => parseOwner(chown)) }),
    ...(chmod !== undefined && { chmod: parseMode(chmod, "--chmod") }),
    ...(exclude !== undefined && { exclude }),
    ...(link !== undefined && { link }),
  };
}
