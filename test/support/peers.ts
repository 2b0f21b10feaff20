import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { ImageDifference } from "./image-diff.ts";

/** A way in which another tool is known to differ: one item of `fixtures/peers.yaml`. */
export interface PeerRow {
  readonly id: string;
  readonly peer: string;
  /** The peer's version it was seen with. */
  readonly version: string;
  /** Which rule of this project's semantics it is about. */
  readonly row: string;
  /** Both outcomes, for people. */
  readonly ours: string;
  readonly theirs: string;
  /** Which differences it accounts for. */
  readonly difference: DifferencePattern;
  /** The cases it occurs in, and has to occur in. */
  readonly cases: readonly string[];
  /**
   * Whether it also accounts for differences in random runs. Then at least one of its cases is a fixed one of
   * `test/e2e/differential-cases.ts`, so that a row whose reason is gone is noticed.
   */
  readonly random?: boolean;
}

/** Which differences a row accounts for; everything given has to hold. */
export interface DifferencePattern {
  readonly attribute: ImageDifference["attribute"];
  /** What kind of file it is about. */
  readonly type?: string;
  /** The same, where it may be one of several. */
  readonly types?: readonly string[];
  /** Regular expressions, each for the whole of its text. */
  readonly path?: string;
  readonly ours?: string;
  readonly theirs?: string;
  /** For times, how theirs relates to ours. */
  readonly relation?:
    | "theirs is the time of the build"
    | "theirs is zero"
    | "theirs is the nearest second"
    | "theirs is the base's";
  /** The id of a row that has to account for a difference of the directory it is in. */
  readonly below?: string;
}

/** What {@link explain} makes of the differences of one case. */
export interface Explanation {
  /** Differences that no row accounts for. */
  readonly unlisted: readonly ImageDifference[];
  /** Rows that account for at least one, sorted. */
  readonly occurred: readonly string[];
}

/** The known differences of a peer. */
export async function readPeerRows(peer: string): Promise<PeerRow[]> {
  const file = new URL("../../fixtures/peers.yaml", import.meta.url);
  const rows: PeerRow[] = parse(await readFile(file, "utf8"));
  return rows.filter((row) => row.peer === peer);
}

/** The rows that say they occur in a case, sorted as {@link Explanation} is. */
export function listedFor(name: string, rows: readonly PeerRow[]): string[] {
  return rows
    .filter(({ cases }) => cases.includes(name))
    .map(({ id }) => id)
    .sort();
}

/**
 * Sorts the differences of one case into those that a row listed for it accounts for, and the rest.
 *
 * @param buildStarted nanoseconds since 1970, when the peer began.
 */
export function explain(
  name: string,
  differences: readonly ImageDifference[],
  rows: readonly PeerRow[],
  buildStarted: bigint,
): Explanation {
  return explainBy(
    rows.filter(({ cases }) => cases.includes(name)),
    differences,
    buildStarted,
  );
}

/** As {@link explain}, for a case made at random: by every row that is for those. */
export function explainRandom(
  differences: readonly ImageDifference[],
  rows: readonly PeerRow[],
  buildStarted: bigint,
): Explanation {
  return explainBy(
    rows.filter(({ random }) => random === true),
    differences,
    buildStarted,
  );
}

function explainBy(
  candidates: readonly PeerRow[],
  differences: readonly ImageDifference[],
  buildStarted: bigint,
): Explanation {
  const occurred = new Set<string>();
  const accounted = new Map<string, string>();
  const accounts = (row: PeerRow, difference: ImageDifference): boolean =>
    accountsFor(row.difference, difference, buildStarted) &&
    (row.difference.below === undefined ||
      accounted.get(difference.path.replace(/\/?[^/]+$/, "")) === row.difference.below);
  const unlisted = differences.filter((difference) => {
    const found = candidates.filter((row) => accounts(row, difference));
    for (const { id } of found) {
      occurred.add(id);
      accounted.set(difference.path, id);
    }
    return found.length === 0;
  });
  return { unlisted, occurred: [...occurred].sort() };
}

function accountsFor(pattern: DifferencePattern, difference: ImageDifference, buildStarted: bigint): boolean {
  const matches = (expression: string | undefined, text: string) =>
    expression === undefined || new RegExp(`^(?:${expression})$`, "s").test(text);
  return (
    pattern.attribute === difference.attribute &&
    (pattern.type === undefined || pattern.type === difference.type) &&
    (pattern.types === undefined || pattern.types.some((type) => type === difference.type)) &&
    matches(pattern.path, difference.path) &&
    matches(pattern.ours, difference.ours) &&
    matches(pattern.theirs, difference.theirs) &&
    relates(pattern.relation, difference, buildStarted)
  );
}

function relates(
  relation: DifferencePattern["relation"],
  { ours, theirs, base }: ImageDifference,
  buildStarted: bigint,
): boolean {
  if (relation === undefined) return true;
  if (relation === "theirs is the base's") return theirs === base;
  const theirTime = nanoseconds(theirs);
  if (relation === "theirs is zero") return theirTime === 0n;
  if (relation === "theirs is the time of the build") {
    return theirTime >= buildStarted - (buildStarted % second);
  }
  const distance = theirTime - nanoseconds(ours);
  return (
    theirTime % second === 0n && distance !== 0n && 2n * (distance < 0n ? -distance : distance) <= second
  );
}

const second = 1_000_000_000n;

/** Reads what `formatTime` writes. */
function nanoseconds(time: string): bigint {
  return BigInt(time.replace(".", ""));
}
