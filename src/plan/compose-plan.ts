import type { JsonObject } from "../model/json.ts";
import type { ImageLocation } from "../model/location.ts";
import type { MediaTypeFamily } from "../model/media-types.ts";
import type { OwnerSpec } from "../model/owner.ts";
import type { Platform } from "../model/platform.ts";
import type { PlatformChoice } from "./platforms.ts";
import type { Text, TextTemplate } from "./text.ts";

/**
 * A base, and what is copied onto it. A stage that builds on another one is written out: the base and the copies of that
 * one, then its own.
 */
export interface Stage {
  /** For messages. */
  readonly name?: string;
  readonly base: BaseImage;
  /** Of the base; by default that of everything that is copied from. */
  readonly platform?: Platform;
  readonly copies: readonly CopyStep[];
  /** What the base's configuration must not have. */
  readonly expectations?: readonly BaseExpectation[];
  /** Of a stage that files are copied from, the working directory alone counts. */
  readonly config: Pick<ConfigChanges, "workdir">;
}

/**
 * What to compose, as plain data: what every front end produces and `compose` carries out. Making one touches neither
 * network nor files. The common plan is one stage; copy steps may lead to others, never back to one that leads there.
 */
export interface ComposePlan extends Stage {
  readonly config: ConfigChanges;
  /** Set on the composed manifest, besides those the tool sets. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Where the image goes; at least one unless nothing is to be pushed. */
  readonly targets: readonly ImageLocation[];
  /** Of base and result; by default the base's only platform, else this machine's architecture on linux. */
  readonly platform?: Platform;
  /**
   * Several: the result is an index with an image for each, in this order; `"all"` are those that base and builders both
   * have, in the base's order. `platform` then counts for nothing.
   */
  readonly platforms?: PlatformChoice;
  /** Whether a target's tag becomes an index that keeps the images for other platforms it names already. */
  readonly appendPlatforms?: boolean;
  /** Of what is copied from, where it differs; by default the base's. */
  readonly builderPlatform?: Platform;
  /** Of manifest and config; by default the base's. */
  readonly format?: MediaTypeFamily;
  readonly compression: Compression;
  /** Whether the image records what it was made from. */
  readonly record: "annotations" | "none";
  /** Seconds since the epoch: clamps later times and sets `created`. */
  readonly sourceDateEpoch?: number;
  /** The comment of the new layer's history entry. */
  readonly historyComment?: string;
}

/** What the composed image rests on. */
export type BaseImage =
  | { readonly kind: "image"; readonly location: ImageLocation }
  | { readonly kind: "scratch" };

/** Something that a base's configuration must not have: it would mean what is not done here. */
export interface BaseExpectation {
  readonly absent: "OnBuild" | "Shell";
  /** The place that relies on it, for messages: `Dockerfile:3:7`. */
  readonly where: string;
}

/** How the new layer is compressed. */
export type Compression =
  | { readonly algorithm: "gzip" | "zstd"; readonly level: number }
  | { readonly algorithm: "none" };

/** Where files are copied from. Steps that take from the same share the object. */
export type CopySource =
  | ImageSource
  | LocalSource
  /** Files that another stage makes; they go into no image but by being copied. */
  | { readonly kind: "stage"; readonly stage: Stage };

/** An image. */
export interface ImageSource {
  readonly kind: "image";
  readonly location: ImageLocation;
  /** What its configuration must not have. */
  readonly expectations?: readonly BaseExpectation[];
}

/** A directory of this machine. Relative paths are meant from the current directory. */
export interface LocalSource {
  readonly kind: "local";
  readonly directory: string;
  /**
   * Files with patterns of what is taken for not there, as `.dockerignore` has them: the first that is there counts. By
   * default `.dockerignore` in the directory.
   */
  readonly ignoreFiles?: readonly string[];
}

/**
 * One `COPY --from`. Paths are text as typed; `copy semantics` in `docs/architecture.md` says what they mean. Templates
 * refer to the environment of the stage's own base.
 */
export interface CopyStep {
  readonly from: CopySource;
  /** Absolute paths in what is copied from; Go `filepath.Match` wildcards allowed. */
  readonly sources: readonly Text[];
  /** Relative ones are meant from the working directory. */
  readonly destination: Text;
  /**
   * Working directories set before this step, each meant from the one before, the first from the base's own. They are
   * made where they are missing, before anything is copied. By default the stage's, which is made at the end.
   */
  readonly workdir?: readonly Text[];
  /** A template is read as an owner once it is text. */
  readonly chown?: OwnerSpec | TextTemplate;
  /** At most 0o7777. A template is read as an octal mode once it is text. */
  readonly chmod?: number | TextTemplate;
  /** Patterns as in `.dockerignore`, relative to the source. */
  readonly exclude: readonly Text[];
  /** Whether the base is left out of account, as `COPY --link` does. */
  readonly link: boolean;
  /**
   * Whether the directories above the sources are copied as well, as `COPY --parents` does: from the root, or from where
   * the source has `/./`. Then `**` stands for any number of directories.
   */
  readonly parents?: boolean;
  /** The place of the `ADD` that says so, for messages: it would unpack files that are archives, so these are refused. */
  readonly addedAt?: string;
}

/**
 * What changes against the base's configuration. What is absent stays the base's; maps are merged over it.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
export interface ConfigChanges {
  readonly env?: Readonly<Record<string, Text>>;
  readonly labels?: Readonly<Record<string, Text>>;
  /** `PORT/PROTOCOL`; added to the base's. A template is read as ports, spaces between them, once it is text. */
  readonly exposedPorts?: readonly Text[];
  /** Paths; added to the base's. */
  readonly volumes?: readonly Text[];
  /** Several are meant each from the one before, the first from the base's. */
  readonly workdir?: Text | readonly Text[];
  readonly user?: Text;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `SIGTERM`, or a number. */
  readonly stopSignal?: Text;
  /** As the configuration's `Healthcheck` has it; durations in nanoseconds. */
  readonly healthcheck?: JsonObject;
  /** Who made the image. */
  readonly author?: string;
  /** What shell forms run in. */
  readonly shell?: readonly string[];
}
