/*
 * Compares this tree with umoci and buildah on random layers and copies:
 *
 *     node scripts/test-differential.ts [--runs N] [--seed S]
 *
 * --runs N   random layers, and as many random copies (default 100)
 * --seed S   of the first run, from which the others' come (default: a new one)
 *
 * Writes commit, seed and what the runs came to. A difference that fixtures/peers.yaml does not list ends it with
 * status 1, the smallest example found, and the seed that gives it again.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { runs: { type: "string" }, seed: { type: "string" } } });
const runs = numberOf("runs", values.runs ?? "100", /^[1-9]\d*$/);
const seed = numberOf("seed", values.seed ?? String(randomInt(2 ** 31)), /^-?\d+$/);
const root = fileURLToPath(new URL("..", import.meta.url));

console.log(`commit ${commit()}\nseed ${seed}\nruns ${runs}`);
const started = performance.now();
const { status } = spawnSync(
  "vitest",
  [
    ...["run", "--project", "e2e", "test/e2e/differential.test.ts", "--testNamePattern", "at random"],
    ...["--disableConsoleIntercept", "--hideSkippedTests"],
  ],
  {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      DIFFERENTIAL_RUNS: String(runs),
      DIFFERENTIAL_SEED: String(seed),
      // A missing tool is a failure here.
      REQUIRE_TOOLS: "1",
    },
  },
);
console.log(
  `commit ${commit()}, seed ${seed}, ${runs} runs, ${Math.round((performance.now() - started) / 1000)} s`,
);
process.exit(status ?? 1);

function numberOf(option: string, text: string, form: RegExp): number {
  if (form.test(text) && Math.abs(Number(text)) <= 2 ** 31) return Number(text);
  console.error(`--${option} takes a number, not ${text}`);
  process.exit(2);
}

function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  return `${git("rev-parse", "HEAD")}${git("status", "--porcelain") === "" ? "" : "-dirty"}`;
}
