import { createHash } from "node:crypto";
import fc from "fast-check";

/** How two tools may agree on one value: `one refused` when it is known and listed that the other does not. */
export type Agreement = "compared" | "both refused" | "one refused";

/** What comparing two tools on one value came to. */
export type Comparison =
  | { readonly kind: Agreement }
  /** Neither: `text` says how they differ. */
  | { readonly kind: "different"; readonly text: string };

/** Two tools that are to agree on every value. */
export interface DifferentialProperty<T> {
  readonly values: fc.Arbitrary<T>;
  readonly compare: (value: T) => Promise<Comparison>;
  /** The value for people. */
  readonly format: (value: T) => string;
}

/** How {@link runDifferential} goes about it. */
export interface DifferentialRuns {
  /** 32 bits; the seed of the first run, and what the others' are made from. */
  readonly seed: number;
  readonly runs: number;
  /** How many run at once. */
  readonly lanes: number;
  /** Most comparisons spent on making a counterexample smaller. Default 40. */
  readonly mostShrinks?: number;
  /** Runs end after so many. Default 1. */
  readonly mostCounterexamples?: number;
}

/** A run in which the tools differ. */
export interface Counterexample {
  /** Gives this run again, as the first. */
  readonly seed: number;
  /** Which run it was, from 1. */
  readonly run: number;
  /** The smallest value found, as `format` writes it. */
  readonly value: string;
  readonly text: string;
}

/** What all the runs came to. */
export interface DifferentialReport {
  readonly counts: Readonly<Record<Agreement, number>>;
  readonly counterexamples: readonly Counterexample[];
}

/** Compares on random values: the same seed gives the same values, and each run can be repeated by its own seed. */
export async function runDifferential<T>(
  property: DifferentialProperty<T>,
  { seed, runs, lanes, mostShrinks = 40, mostCounterexamples = 1 }: DifferentialRuns,
): Promise<DifferentialReport> {
  const counts = { compared: 0, "both refused": 0, "one refused": 0 };
  const counterexamples: Counterexample[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < runs && counterexamples.length < mostCounterexamples) {
      const run = next;
      next += 1;
      const runSeed = seedOfRun(seed, run);
      const outcome = await runOnce(property, runSeed, mostShrinks);
      if (typeof outcome === "string") counts[outcome] += 1;
      else counterexamples.push({ ...outcome, seed: runSeed, run: run + 1 });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  counterexamples.sort((one, other) => one.run - other.run);
  return { counts, counterexamples };
}

/** How many runs came to what, as `12 compared, 3 both refused, …`. */
export function formatCounts({ counts, counterexamples }: DifferentialReport): string {
  const parts = Object.entries(counts).map(([agreement, count]) => `${count} ${agreement}`);
  return [...parts, `${counterexamples.length} different`].join(", ");
}

/** What went wrong, with how to see it again; empty when nothing did. */
export function formatCounterexamples({ counterexamples }: DifferentialReport): string {
  return counterexamples
    .map(
      ({ seed, run, value, text }) =>
        `run ${run} differs (again: npm run test:differential -- --runs 1 --seed=${seed})\n${value}\n${text}`,
    )
    .join("\n\n");
}

async function runOnce<T>(
  { values, compare, format }: DifferentialProperty<T>,
  seed: number,
  mostShrinks: number,
): Promise<Agreement | Pick<Counterexample, "value" | "text">> {
  let first: Agreement | undefined;
  let smallest: Pick<Counterexample, "value" | "text"> | undefined;
  let shrinks = 0;
  await fc.check(
    fc.asyncProperty(values, async (value) => {
      if (smallest !== undefined && shrinks++ >= mostShrinks) return true;
      const comparison = await compare(value).catch(crash);
      if (comparison.kind !== "different") {
        first ??= comparison.kind;
        return true;
      }
      smallest = { value: format(value), text: comparison.text };
      return false;
    }),
    { seed, numRuns: 1, unbiased: true, endOnFailure: mostShrinks === 0 },
  );
  return smallest ?? first ?? "compared";
}

/** A tool that breaks down is a difference as well. */
function crash(error: unknown): Comparison {
  return { kind: "different", text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Unrelated seeds, though the runs are numbered one after the other. */
function seedOfRun(seed: number, run: number): number {
  if (run === 0) return seed;
  return createHash("sha256").update(`${seed}/${run}`).digest().readInt32BE(0);
}
