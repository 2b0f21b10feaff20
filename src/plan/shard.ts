import { createHash } from "node:crypto";
import { ComposeImageError } from "../model/errors.ts";
import type { ChosenImage } from "./mirror-plan.ts";

/** One of several shares of the work. */
export interface Shard {
  /** Counted from 1. */
  readonly number: number;
  readonly count: number;
}

/** Most shares: far more than anybody has workers. */
const maxCount = 100_000;

/**
 * Reads `3/8`, the third of eight, or `auto/8`, where the number is what the environment variable `JOB_COMPLETION_INDEX` of
 * an Indexed Job says, which counts from 0.
 *
 * @param completionIndex the variable's value.
 * @throws ComposeImageError `USAGE`
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
 */
export function parseShard(text: string, completionIndex: string | undefined): Shard {
  const fault = (what: string, hint: string): ComposeImageError =>
    new ComposeImageError("USAGE", `--shard ${text}${what}`, { hint });
  const [, word = "", of = ""] = /^(auto|[0-9]{1,9})\/([0-9]{1,9})$/.exec(text) ?? [];
  if (word === "") {
    throw fault(
      " is not a share",
      "Write --shard 3/8 for the third of eight, or --shard auto/8 in an Indexed Job.",
    );
  }
  const count = Number(of);
  if (count < 1 || count > maxCount) {
    throw fault(`: ${of} is not a number of shares`, `At least 1, and at most ${maxCount}.`);
  }
  if (word === "auto") return { number: numberOf(completionIndex, count, fault), count };
  const number = Number(word);
  if (number >= 1 && number <= count) return { number, count };
  throw fault(`: there is no share ${number} of ${count}`, `Shares count from 1 to ${count}.`);
}

/**
 * Whether an image belongs to the share. That hangs on its name at the destination alone, so that each image is in exactly
 * one share, whatever other images there are, and whatever its tag names at the moment.
 */
export function inShard(
  { target, tag, digest }: Pick<ChosenImage, "target" | "tag"> & Partial<Pick<ChosenImage, "digest">>,
  { number, count }: Shard,
): boolean {
  const name = tag === undefined ? `${target}@${digest}` : `${target}:${tag}`;
  const hash = createHash("sha256").update(name).digest();
  return hash.readUIntBE(0, 6) % count === number - 1;
}

/**
 * The items that all shards go through, as far from where the others begin as can be: what one has brought by then, the next
 * one finds there. Two that began at the same item would bring what it needs twice.
 */
export function startingAt<T>({ number, count }: Shard, items: readonly T[]): readonly T[] {
  const start = Math.floor(((number - 1) * items.length) / count);
  return [...items.slice(start), ...items.slice(0, start)];
}

function numberOf(
  index: string | undefined,
  count: number,
  fault: (what: string, hint: string) => ComposeImageError,
): number {
  if (index === undefined || index === "") {
    throw fault(
      ": JOB_COMPLETION_INDEX is not set",
      `Kubernetes sets it in Jobs with completionMode: Indexed; elsewhere write --shard 1/${count}.`,
    );
  }
  const number = /^[0-9]{1,9}$/.test(index) ? Number(index) + 1 : Number.NaN;
  if (number <= count) return number;
  throw fault(
    `: JOB_COMPLETION_INDEX is ${JSON.stringify(index.slice(0, 50))}`,
    `It has to be from 0 to ${count - 1}: give as many shares as the Job has completions.`,
  );
}
