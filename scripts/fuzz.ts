/*
 * Feeds what reads strangers' bytes with inputs that are almost right, and prints what came of them:
 *
 *     node scripts/fuzz.ts [--runs N] [--seed S] [--target NAME] [--at INPUT]
 *
 * --runs N       inputs for each target; default 100000
 * --seed S       same seed, same inputs; default: a new one, which is printed
 * --target NAME  this one only
 * --at INPUT     this input only, to look at a fault
 *
 * Exit status 1 for a crash, a hang, an error without a code, or when too few inputs got past the first check.
 */
import { parseArgs } from "node:util";
import { describeResult, fuzz } from "../test/fuzz/fuzz.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    target: { type: "string" },
    at: { type: "string" },
  },
});
const number = (text: string, option: string): number => {
  if (!/^\d{1,9}$/.test(text) && !(option === "--seed" && /^\d{1,15}$/.test(text))) {
    console.error(`${option} ${text} is not a number`);
    process.exit(2);
  }
  return Number(text);
};
const results = await fuzz({
  seed: number(values.seed, "--seed"),
  runs: values.at === undefined ? number(values.runs, "--runs") : 1,
  first: values.at === undefined ? 0 : number(values.at, "--at"),
  names: values.target === undefined ? undefined : [values.target],
  onResult: (result) => console.log(describeResult(result)),
});
if (results.length === 0) console.error(`no target is named ${values.target}`);
process.exitCode = results.length > 0 && results.every(({ fault }) => fault === undefined) ? 0 : 1;
