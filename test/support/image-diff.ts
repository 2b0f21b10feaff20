import type { Tree } from "./tree.ts";
import { diffTrees, type TreeAttribute } from "./tree-diff.ts";

/** What a tool made of a request: an image, or nothing. */
export type ComposeOutcome =
  | {
      readonly kind: "image";
      /** The whole unpacked root file system. */
      readonly tree: Tree;
      /** The `config` object of the image's config. */
      readonly config: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "refused"; readonly message: string };

/** One way in which two outcomes differ. */
export interface ImageDifference {
  /** A path of the tree (latin1), a key of the config such as `Labels.stage`, or `.` for the outcome itself. */
  readonly path: string;
  readonly attribute: TreeAttribute | "config" | "outcome";
  /** What kind of file the path is, where both have it. */
  readonly type: string | undefined;
  readonly theirs: string;
  readonly ours: string;
  /** The base's, where that is looked at. */
  readonly base?: string;
}

/** Every difference between a peer's outcome and this project's: in the root file system and in the config. */
export function diffOutcomes(theirs: ComposeOutcome, ours: ComposeOutcome): ImageDifference[] {
  if (theirs.kind === "refused" || ours.kind === "refused") {
    if (theirs.kind === ours.kind) return [];
    const path = ".";
    return [{ path, attribute: "outcome", type: undefined, theirs: describe(theirs), ours: describe(ours) }];
  }
  const inTrees = diffTrees(theirs.tree, ours.tree).map(({ path, attribute, expected, actual }) => ({
    path,
    attribute,
    type: ours.tree.get(path)?.type ?? theirs.tree.get(path)?.type,
    theirs: expected,
    ours: actual,
  }));
  return [...inTrees, ...diffConfigs(theirs.config, ours.config)];
}

/** Differences as lines, at most `limit` of them (default 40). */
export function formatImageDifferences(differences: readonly ImageDifference[], limit = 40): string {
  const lines = differences
    .slice(0, limit)
    .map(({ path, attribute, theirs, ours }) => `${path}: ${attribute}: theirs ${theirs}, ours ${ours}`);
  if (differences.length > limit) lines.push(`… and ${differences.length - limit} more`);
  return lines.join("\n");
}

function describe(outcome: ComposeOutcome): string {
  return outcome.kind === "image" ? "an image" : `refused: ${outcome.message}`;
}

/** Differences of two configurations, each with its key. */
export function diffConfigs(
  theirs: Readonly<Record<string, unknown>>,
  ours: Readonly<Record<string, unknown>>,
): ImageDifference[] {
  const one = flatten(theirs);
  const other = flatten(ours);
  return [...new Set([...one.keys(), ...other.keys()])]
    .sort()
    .filter((key) => one.get(key) !== other.get(key))
    .map((path) => ({
      path,
      attribute: "config",
      type: undefined,
      theirs: one.get(path) ?? "absent",
      ours: other.get(path) ?? "absent",
    }));
}

/** Maps as `Key.name`, lists whole: the order of Env, Cmd and Entrypoint counts. */
function flatten(config: Readonly<Record<string, unknown>>): Map<string, string> {
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(config)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "object" && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) values.set(`${key}.${name}`, JSON.stringify(inner));
    } else values.set(key, JSON.stringify(value));
  }
  return values;
}
