/*
 * Runs the tests and closes with what was skipped and why, so that a green run never hides an untested part:
 *
 *     node scripts/test.ts [--no-skips] [--counts FILE] [vitest's own arguments]
 *
 * --no-skips     a skipped test counts as failed
 * --counts FILE  appends "PASSED FAILED" to the file, for a script that adds up several runs
 */
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseCLI, startVitest, type TestCase, type TestModule } from "vitest/node";
import { allTools, installLine, missingTools } from "./house/tools.ts";

const own = takeOwnOptions(process.argv.slice(2));
const { filter, options } = parseCLI(["vitest", "run", ...own.rest], { allowUnknownOptions: false });

const vitest = await startVitest("test", filter, { ...options, watch: false });
const modules = vitest.state.getTestModules();
const tests = modules.flatMap((module) => [...module.children.allTests()]);
const skipped = tests.filter((test) => test.result().state === "skipped");
const passed = tests.filter((test) => test.result().state === "passed").length;
// A module that fails to load or a hook that fails has no failing test to show for it.
const broken = modules.filter((module) => !module.ok() && !hasFailedTest(module)).length;
const unhandled = vitest.state.getUnhandledErrors().length;
let failed = tests.filter((test) => test.result().state === "failed").length + broken + unhandled;
await vitest.close();

if (skipped.length > 0) reportSkipped(skipped);
if (own.noSkips) failed += skipped.length;
if (tests.length === 0 && failed === 0) {
  console.log("No test matches.");
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed${own.noSkips ? "" : `, ${skipped.length} skipped`}`);
if (own.counts !== undefined) appendFileSync(own.counts, `${passed} ${failed}\n`);
process.exit(failed > 0 || process.exitCode ? 1 : 0);

function reportSkipped(tests: readonly TestCase[]): void {
  console.log(
    `\nSkipped ${tests.length} of the tests${own.noSkips ? ", each of which counts as failed" : ""}:`,
  );
  for (const test of tests) {
    const result = test.result();
    const note = result.state === "skipped" ? result.note : undefined;
    console.log(
      `  ${test.module.relativeModuleId} > ${test.fullName}${note === undefined ? "" : `: ${note}`}`,
    );
  }
  const missing = missingTools(...allTools);
  if (missing.length > 0) {
    console.log(`This machine lacks ${missing.join(", ")}. On Debian: ${installLine(missing)}`);
  }
}

function hasFailedTest(module: TestModule): boolean {
  return [...module.children.allTests("failed")].length > 0;
}

/** Splits this script's options from those that are passed on. */
function takeOwnOptions(args: string[]): { noSkips: boolean; counts: string | undefined; rest: string[] } {
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: { "no-skips": { type: "boolean" }, counts: { type: "string" } },
  });
  const mine = new Set<number>();
  let noSkips = false;
  let counts: string | undefined;
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (token.name === "no-skips") noSkips = true;
    else if (token.name === "counts" && token.value !== undefined) counts = token.value;
    else continue;
    mine.add(token.index);
    if (token.name === "counts" && token.inlineValue === false) mine.add(token.index + 1);
  }
  return { noSkips, counts, rest: args.filter((_, index) => !mine.has(index)) };
}
