import { Worker } from "node:worker_threads";
import { fuzzTargets } from "./targets.ts";

/** What a worker is told to do. */
export interface WorkerOrder {
  readonly name: string;
  readonly seed: number;
  readonly first: number;
  readonly runs: number;
  /** One 32-bit number: the input at work. */
  readonly position: SharedArrayBuffer;
}

/** What a worker that got to its end says. */
export interface WorkerReport {
  readonly past: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** How a target did. */
export interface FuzzResult {
  readonly name: string;
  readonly firstCheck: string;
  readonly seed: number;
  readonly runs: number;
  /** Share of inputs that got past the first check, 0 to 1. */
  readonly share: number;
  /** How many inputs ended in what. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** What went wrong, at which input. */
  readonly fault: string | undefined;
}

/** Options of {@link fuzz}. */
export interface FuzzOptions {
  readonly seed: number;
  /** Inputs for each target. */
  readonly runs: number;
  /** The number of the first input. Default 0. */
  readonly first?: number;
  /** Which targets. Default all. */
  readonly names?: readonly string[] | undefined;
  /** Told of each target that is done. */
  readonly onResult?: (result: FuzzResult) => void;
}

/** An input that takes longer hangs: most take less than a millisecond. */
const hangMs = 30_000;

/** Least share of inputs past the first check: with fewer, little but that check would be fuzzed. */
const leastShare = 0.3;

/** Fuzzes every target, two at a time. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult[]> {
  const targets = fuzzTargets.filter(({ name }) => options.names?.includes(name) ?? true);
  const waiting = [...targets];
  const results = new Map<string, FuzzResult>();
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const result = await fuzzTarget(target.name, target.firstCheck, options);
      results.set(target.name, result);
      options.onResult?.(result);
    }
  };
  await Promise.all([work(), work()]);
  return targets.flatMap(({ name }) => results.get(name) ?? []);
}

async function fuzzTarget(name: string, firstCheck: string, options: FuzzOptions): Promise<FuzzResult> {
  const { seed, runs, first = 0 } = options;
  const position = new SharedArrayBuffer(4);
  const at = new Int32Array(position);
  const order: WorkerOrder = { name, seed, first, runs, position };
  const started = performance.now();
  const { report, fault } = await new Promise<{ report?: WorkerReport; fault?: string }>((resolve) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: order });
    let seen = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      const now = Atomics.load(at, 0);
      if (now !== seen) since = performance.now();
      seen = now;
      if (performance.now() - since < hangMs) return;
      resolve({ fault: `hangs for ${hangMs / 1000} s` });
      void worker.terminate();
    }, 250);
    worker.on("message", (message: WorkerReport) => resolve({ report: message }));
    worker.on("error", (error) =>
      resolve({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
    worker.on("exit", () => {
      clearInterval(watch);
      resolve({ fault: "never settles" });
    });
  });
  const isShort = report !== undefined && report.past < leastShare * runs;
  return {
    ...{ name, firstCheck, seed, runs },
    share: (report?.past ?? 0) / runs,
    outcomes: report?.outcomes ?? {},
    seconds: (performance.now() - started) / 1000,
    fault:
      fault !== undefined
        ? `input ${Atomics.load(at, 0)}: ${fault}`
        : isShort && runs > 1
          ? `fewer than ${leastShare * 100} % got past ${firstCheck}`
          : undefined,
  };
}

/** One line, and what went wrong below it. */
export function describeResult({
  name,
  firstCheck,
  seed,
  runs,
  share,
  outcomes,
  seconds,
  fault,
}: FuzzResult): string {
  const counts = Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${outcome} ${count}`);
  const line = `${name}: seed ${seed}, ${runs} inputs, ${(share * 100).toFixed(1)} % past ${firstCheck}, ${seconds.toFixed(1)} s; ${counts.join(", ")}`;
  return fault === undefined ? line : `${line}\n  FAULT at ${fault}`;
}
