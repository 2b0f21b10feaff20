import { SemVer } from "semver";

/** What a tag that is a version says. */
interface TagVersion {
  /** Numbers as written, without leading zeros; one or more. */
  readonly numbers: readonly string[];
  /** What stands behind the first hyphen; empty for none. */
  readonly suffix: string;
}

/** Most digits of a tag that is a single number: longer ones are dates and numbers of builds. */
const maxDigits = 4;

/**
 * The version a tag is: `1.27.3`, `v1.27`, `3`, `24.04`, `1.27.3-alpine`. A number alone of more than four digits is
 * none: it is a date, or counts builds.
 */
function tagVersion(tag: string): TagVersion | undefined {
  const [, dotted = "", suffix = ""] = /^v?([0-9]+(?:\.[0-9]+)*)(?:-(.+))?$/.exec(tag) ?? [];
  const numbers = dotted.split(".").map((number) => number.replace(/^0+(?=.)/, ""));
  if (dotted === "" || (numbers.length === 1 && dotted.length > maxDigits)) return undefined;
  return { numbers, suffix };
}

/** The tag's version as semver has it, missing numbers being zeros; `undefined` for tags that cannot be read so. */
export function semverOf(tag: string): SemVer | undefined {
  const { numbers = [], suffix = "" } = tagVersion(tag) ?? {};
  if (numbers.length === 0 || numbers.length > 3) return undefined;
  const [major = "0", minor = "0", patch = "0"] = numbers;
  try {
    return new SemVer(`${major}.${minor}.${patch}${suffix === "" ? "" : `-${suffix}`}`, { loose: true });
  } catch {
    return undefined;
  }
}

/**
 * Which of two tags is newer, by what they are called: a total order. Tags that are versions are newer than those that are
 * none. Of versions their numbers decide, then one without a suffix is newer, then the suffix. In suffixes and other tags
 * digits count as numbers: `rc10` comes after `rc9`.
 *
 * @returns below zero where `a` is older.
 */
export function compareTags(a: string, b: string): number {
  return compareVersions(tagVersion(a), tagVersion(b)) || compareNaturally(a, b) || compareText(a, b);
}

function compareVersions(a: TagVersion | undefined, b: TagVersion | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  for (let i = 0; i < Math.max(a.numbers.length, b.numbers.length); i += 1) {
    const order = compareNumbers(a.numbers[i] ?? "0", b.numbers[i] ?? "0");
    if (order !== 0) return order;
  }
  if (a.suffix === "" || b.suffix === "") return Number(a.suffix === "") - Number(b.suffix === "");
  return compareNaturally(a.suffix, b.suffix);
}

/** Text by its characters, digits in it by the numbers they are. */
function compareNaturally(a: string, b: string): number {
  const left = a.match(/[0-9]+|[^0-9]+/g) ?? [];
  const right = b.match(/[0-9]+|[^0-9]+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const [one = "", other = ""] = [left[i], right[i]];
    const areNumbers = /^[0-9]/.test(one) && /^[0-9]/.test(other);
    const order = areNumbers
      ? compareNumbers(one.replace(/^0+(?=.)/, ""), other.replace(/^0+(?=.)/, ""))
      : compareText(one, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Numbers of any length, without leading zeros. */
function compareNumbers(a: string, b: string): number {
  return a.length - b.length || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
