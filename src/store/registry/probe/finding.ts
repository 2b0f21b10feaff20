import type { ComposeImageError } from "../../../model/errors.ts";

/** What a registry is asked for, in this order. */
export const probeNames = [
  "ping",
  "login",
  "pull",
  "upload",
  "head",
  "ranges",
  "chunks",
  "resume",
  "mount",
  "oci",
  "docker",
  "zstd",
  "referrers",
  "delete",
] as const;

export type ProbeName = (typeof probeNames)[number];

/** What one probe found. */
export interface Finding {
  readonly probe: ProbeName;
  /** `unknown` where it could not be tried. */
  readonly outcome: "yes" | "no" | "unknown";
  /** What the registry answered, or why it was not asked; half a sentence. */
  readonly saw: string;
  /** Set where the answer is an error. */
  readonly failure?: ComposeImageError | undefined;
}

/** What a registry was found to support. */
export interface RegistryFindings {
  readonly findings: readonly Finding[];
  /** Scratch content that could not be removed: paths below the registry's root. */
  readonly left: readonly string[];
}

/** A finding without an error. */
export function finding(probe: ProbeName, isThere: boolean | undefined, saw: string): Finding {
  return { probe, outcome: isThere === undefined ? "unknown" : isThere ? "yes" : "no", saw };
}
