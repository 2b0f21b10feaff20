/* Runs every check of the house, all of them even when one fails, and says at the end which did. */
import { spawnSync } from "node:child_process";

/** npm scripts of package.json, in the order they run. */
const checks = ["check:lockfile", "check:format", "check:types", "check:imports", "check:exports", "test"];

const failures = checks.filter((check) => {
  const started = performance.now();
  console.log(`\n── ${check}`);
  const { status } = spawnSync("npm", ["run", "--silent", check], { stdio: "inherit" });
  console.log(
    `── ${check}: ${status === 0 ? "ok" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  return status !== 0;
});
console.log(failures.length === 0 ? "\nAll is well." : `\nFailed: ${failures.join(", ")}.`);
process.exitCode = failures.length === 0 ? 0 : 1;
