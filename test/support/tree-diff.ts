import { displayPath, type Tree, type TreeEntry } from "./tree.ts";

/** What two trees can differ in. */
export type TreeAttribute =
  | "presence"
  | "type"
  | "mode"
  | "owner"
  | "size"
  | "mtime"
  | "link target"
  | "device"
  | "xattrs"
  | "content"
  | "hardlinks";

/** One way in which one path differs. Values are text fit for people and for patterns. */
export interface TreeDifference {
  /** Latin1, relative to the tree's root. */
  readonly path: string;
  readonly attribute: TreeAttribute;
  readonly expected: string;
  readonly actual: string;
}

/** Every difference between two trees, by path; a missing path is one difference, not ten. */
export function diffTrees(expected: Tree, actual: Tree): TreeDifference[] {
  const differences: TreeDifference[] = [];
  const paths = [...new Set([...expected.keys(), ...actual.keys()])].sort();
  for (const path of paths) {
    const before = expected.get(path);
    const after = actual.get(path);
    if (before === undefined || after === undefined) {
      differences.push({
        path,
        attribute: "presence",
        expected: before === undefined ? "absent" : before.type,
        actual: after === undefined ? "absent" : after.type,
      });
      continue;
    }
    if (before.type !== after.type) {
      differences.push({ path, attribute: "type", expected: before.type, actual: after.type });
      continue;
    }
    for (const [attribute, describe] of aspects) {
      const one = describe(before);
      const other = describe(after);
      if (one !== other) differences.push({ path, attribute, expected: one, actual: other });
    }
  }
  return differences;
}

/** Differences as lines, at most `limit` of them (default 40). */
export function formatDifferences(differences: readonly TreeDifference[], limit = 40): string {
  const lines = differences
    .slice(0, limit)
    .map(
      ({ path, attribute, expected, actual }) =>
        `${displayPath(path)}: ${attribute}: expected ${expected}, got ${actual}`,
    );
  if (differences.length > limit) lines.push(`… and ${differences.length - limit} more`);
  return lines.join("\n");
}

/** Seconds with nine decimals: `1700000000.123456789`. */
export function formatTime(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n - (nanoseconds % 1_000_000_000n < 0n ? 1n : 0n);
  const fraction = nanoseconds - seconds * 1_000_000_000n;
  return `${seconds}.${fraction.toString().padStart(9, "0")}`;
}

const aspects: readonly (readonly [TreeAttribute, (entry: TreeEntry) => string])[] = [
  ["mode", (entry) => `0${entry.mode.toString(8)}`],
  ["owner", (entry) => `${entry.uid}:${entry.gid}`],
  ["size", (entry) => `${entry.size ?? "none"}`],
  ["mtime", (entry) => formatTime(entry.mtime)],
  ["link target", (entry) => (entry.linkTarget === undefined ? "none" : displayPath(entry.linkTarget))],
  ["device", (entry) => entry.device ?? "none"],
  ["xattrs", (entry) => formatXattrs(entry)],
  ["content", (entry) => entry.sha256 ?? "none"],
  ["hardlinks", (entry) => entry.hardlinks.map(displayPath).join(" = ") || "none"],
];

function formatXattrs(entry: TreeEntry): string {
  const pairs = [...entry.xattrs].sort(([one], [other]) => (one < other ? -1 : 1));
  return pairs.map(([name, value]) => `${name}=${value}`).join(" ") || "none";
}
