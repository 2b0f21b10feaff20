import { ComposeImageError } from "../../model/errors.ts";
import { type ImageLocation, parseLocation } from "../../model/location.ts";
import type { MediaTypeFamily } from "../../model/media-types.ts";
import { parseOwner } from "../../model/owner.ts";
import { parsePlatform } from "../../model/platform.ts";
import type { ComposePlan, ConfigChanges, CopyStep } from "../../plan/compose-plan.ts";
import { parseCommand } from "./command.ts";
import { parseCompression } from "./compression.ts";
import { parseDirectory } from "./directory.ts";
import { parseExposedPorts } from "./exposed-ports.ts";
import { parsePairs } from "./pairs.ts";

/**
 * What `compose-image compose` is told by its flags, in the flags' own words; `docs` of each flag are in the README.
 * A list may be left out; maps may be given as `["KEY=VALUE"]`.
 */
export interface ComposeFlags {
  /** Image the directories are taken from. */
  readonly builder?: string | undefined;
  /** Image to build on, or `scratch`. */
  readonly base?: string | undefined;
  /** `SRC` or `SRC:DST`; at least one. */
  readonly directory?: readonly string[] | undefined;
  /** Where the image goes; at least one. */
  readonly tag?: readonly string[] | undefined;
  readonly env?: readonly string[] | Readonly<Record<string, string>> | undefined;
  readonly label?: readonly string[] | Readonly<Record<string, string>> | undefined;
  readonly annotation?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** `PORT`, `PORT/udp` or `FROM-TO`. */
  readonly expose?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  /** A list, a JSON list of strings, or one word. */
  readonly entrypoint?: string | readonly string[] | undefined;
  readonly cmd?: string | readonly string[] | undefined;
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
  readonly platform?: string | undefined;
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
  const builder = parseImage(
    required(flags.builder, "--builder", "Name the image to take directories from."),
    "--builder",
  );
  const base = required(flags.base, "--base", "Name the image to build on, or scratch.");
  const directories = flags.directory ?? [];
  if (directories.length === 0) {
    throw new ComposeImageError("USAGE", "nothing to copy: no --directory given", {
      hint: "Name what to take from the builder, for example --directory /opt/app-root/src:/run/app.",
    });
  }
  const {
    platform,
    builderPlatform,
    format,
    record = "annotations",
    sourceDateEpoch,
    historyComment,
  } = flags;
  return {
    base: base === "scratch" ? { kind: "scratch" } : { kind: "image", location: parseImage(base, "--base") },
    copies: directories.map((directory) => copyStep(directory, builder, flags)),
    config: configChanges(flags),
    annotations: parsePairs(flags.annotation, "--annotation"),
    targets: parseTargets(flags.tag ?? []),
    ...(platform !== undefined && { platform: ofFlag("--platform", () => parsePlatform(platform)) }),
    ...(builderPlatform !== undefined && {
      builderPlatform: ofFlag("--builder-platform", () => parsePlatform(builderPlatform)),
    }),
    ...(format !== undefined && { format: oneOf<MediaTypeFamily>(format, ["oci", "docker"], "--format") }),
    compression: parseCompression(flags.compression ?? "gzip"),
    record: oneOf(record, ["annotations", "none"], "--record"),
    ...(sourceDateEpoch !== undefined && { sourceDateEpoch: parseEpoch(sourceDateEpoch) }),
    ...(historyComment !== undefined && { historyComment }),
  };
}

function copyStep(
  directory: string,
  from: ImageLocation,
  { chown, chmod, exclude = [], link = false }: ComposeFlags,
): CopyStep {
  const { source, destination } = parseDirectory(directory);
  return {
    from,
    sources: [source],
    destination,
    ...(chown !== undefined && { chown: ofFlag("--chown", () => parseOwner(chown)) }),
    ...(chmod !== undefined && { chmod: parseMode(chmod) }),
    exclude,
    link,
  };
}

function configChanges(flags: ComposeFlags): ConfigChanges {
  const { env, label, expose = [], workdir, user, entrypoint, cmd } = flags;
  return {
    ...(env !== undefined && hasItems(env) && { env: parsePairs(env, "--env") }),
    ...(label !== undefined && hasItems(label) && { labels: parsePairs(label, "--label") }),
    ...(expose.length > 0 && { exposedPorts: parseExposedPorts(expose) }),
    ...(workdir !== undefined && { workdir: nonEmpty(workdir, "--workdir") }),
    ...(user !== undefined && { user: nonEmpty(user, "--user") }),
    ...(entrypoint !== undefined && { entrypoint: parseCommand(entrypoint, "--entrypoint") }),
    ...(cmd !== undefined && { cmd: parseCommand(cmd, "--cmd") }),
  };
}

function parseTargets(tags: readonly string[]): ImageLocation[] {
  if (tags.length === 0) {
    throw new ComposeImageError("USAGE", "nowhere to push to: no --tag given", {
      hint: "Name the image to make, for example --tag registry.example/app:1.2.3.",
    });
  }
  return tags.map((tag) => {
    const location = parseImage(tag, "--tag");
    if (location.transport === "registry" && location.reference.digest !== undefined) {
      throw new ComposeImageError(
        "USAGE",
        `--tag ${tag} has a digest, which only the composed bytes can decide`,
        {
          hint: "Leave out the part from @ on.",
        },
      );
    }
    return location;
  });
}

function parseImage(text: string, flag: string): ImageLocation {
  return ofFlag(flag, () => parseLocation(text));
}

/** Names the flag in what is wrong with its value. */
function ofFlag<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ComposeImageError)) throw error;
    throw new ComposeImageError(error.code, `${flag}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

function parseMode(text: string): number {
  if (!/^0?[0-7]{1,4}$/.test(text)) {
    throw new ComposeImageError("USAGE", `--chmod ${text} is not an octal mode`, {
      hint: "For example --chmod 0755.",
    });
  }
  return Number.parseInt(text, 8);
}

function parseEpoch(value: string | number): number {
  const seconds =
    typeof value === "number" ? value : /^[0-9]{1,12}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 253_402_300_799) {
    throw new ComposeImageError(
      "USAGE",
      `the source date epoch ${JSON.stringify(value)} is not a number of seconds`,
      {
        hint: "Give seconds since 1970-01-01 UTC, for example $(git log -1 --format=%ct).",
      },
    );
  }
  return seconds;
}

function oneOf<T extends string>(value: string, allowed: readonly T[], flag: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new ComposeImageError("USAGE", `${flag} ${value} is not known`, {
    hint: `Use one of ${allowed.join(", ")}.`,
  });
}

function required(value: string | undefined, flag: string, hint: string): string {
  if (value !== undefined && value !== "") return value;
  throw new ComposeImageError("USAGE", `${flag} is missing`, { hint });
}

function nonEmpty(value: string, flag: string): string {
  return required(value, flag, "Leave the flag out to keep the base's.");
}

function hasItems(value: readonly string[] | Readonly<Record<string, string>>): boolean {
  return Object.keys(value).length > 0;
}
