import type { JsonObject } from "../model/json.ts";
import type { ImageLocation } from "../model/location.ts";
import type { MediaTypeFamily } from "../model/media-types.ts";
import type { OwnerSpec } from "../model/owner.ts";
import type { Platform } from "../model/platform.ts";
import type { PlatformChoice } from "./platforms.ts";

/** A base, what is copied onto it, and what changes in its configuration: the new layer and what is around it. */
export interface Stage {
  readonly base: BaseImage;
  readonly copies: readonly CopyStep[];
  readonly config: ConfigChanges;
}

/**
 * What to compose, as plain data: what every front end produces and `compose` carries out. Making one touches neither
 * network nor files. The common plan is one stage; copy steps may lead to others, never back to one that leads there.
 */
export interface ComposePlan extends Stage {
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
  /** Of the builder, where it differs; by default the base's. */
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

/** How the new layer is compressed. */
export type Compression =
  | { readonly algorithm: "gzip"; readonly level: number }
  | { readonly algorithm: "none" };

/** Where files are copied from. Steps that take from the same share the object. */
export type CopySource =
  | { readonly kind: "image"; readonly location: ImageLocation }
  /** A directory of this machine; relative ones are meant from the current directory. */
  | { readonly kind: "local"; readonly directory: string }
  /** Files that another stage makes; they go into no image but by being copied. */
  | { readonly kind: "stage"; readonly stage: Stage };

/** One `COPY --from`. Paths are text as typed; `copy semantics` in `docs/architecture.md` says what they mean. */
export interface CopyStep {
  readonly from: CopySource;
  /** Absolute paths in what is copied from; Go `filepath.Match` wildcards allowed. */
  readonly sources: readonly string[];
  /** Relative ones are meant from the composed image's working directory. */
  readonly destination: string;
  readonly chown?: OwnerSpec;
  /** At most 0o7777. */
  readonly chmod?: number;
  /** Patterns as in `.dockerignore`, relative to the source. */
  readonly exclude: readonly string[];
  /** Whether the base is left out of account, as `COPY --link` does. */
  readonly link: boolean;
}

/**
 * What changes against the base's configuration. What is absent stays the base's; maps are merged over it.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
export interface ConfigChanges {
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `PORT/PROTOCOL`; added to the base's. */
  readonly exposedPorts?: readonly string[];
  /** Paths; added to the base's. */
  readonly volumes?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `SIGTERM`, or a number. */
  readonly stopSignal?: string;
  /** As the configuration's `Healthcheck` has it; durations in nanoseconds. */
  readonly healthcheck?: JsonObject;
  /** What shell forms run in. */
  readonly shell?: readonly string[];
}
