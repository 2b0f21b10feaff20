/* Feeds one target in a thread of its own, so that a hang can be ended from outside. */
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerOrder, WorkerReport } from "./fuzz.ts";
import { Random } from "./random.ts";
import { fuzzTargets } from "./targets.ts";

const { name, seed, first, runs, position } = workerData as WorkerOrder;
const target = fuzzTargets.find((each) => each.name === name);
if (target === undefined) throw new Error(`no target is named ${name}`);
const at = new Int32Array(position);
const outcomes: Record<string, number> = {};
let past = 0;
for (let i = first; i < first + runs; i += 1) {
  Atomics.store(at, 0, i);
  const verdict = await target.run(new Random(seed, name, i));
  outcomes[verdict.outcome] = (outcomes[verdict.outcome] ?? 0) + 1;
  if (verdict.isPast) past += 1;
}
parentPort?.postMessage({ past, outcomes } satisfies WorkerReport);
