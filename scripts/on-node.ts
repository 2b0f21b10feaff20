/* Runs a script on another Node: `node scripts/on-node.ts 22 scripts/test.ts --project unit`. */
import { spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { nodeOfMajor } from "./house/other-nodes.ts";

const [major, ...args] = process.argv.slice(2);
const binary = nodeOfMajor(Number(major));
const { status, error } = spawnSync(binary, args, {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH ?? ""}` },
});
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
