import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/**
 * The `node` executable of a major version: the project's own where it is that one, else the newest of the npm package
 * `node`, installed once below node_modules/.cache.
 *
 * @throws Error with what npm wrote, when it cannot be installed.
 */
export function nodeOfMajor(major: number): string {
  const own = join(modules, ".bin", "node");
  if (majorOf(own) === major) return own;
  const folder = join(modules, ".cache", "compose-image", `node-${major}`);
  const binary = join(folder, "node_modules", ".bin", "node");
  if (majorOf(binary) === major) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true, "allowScripts": { "node": true } }\n');
  execFileSync(
    "npm",
    ["install", `node@${major}`, "--ignore-scripts=false", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );
  if (majorOf(binary) !== major) throw new Error(`npm install node@${major} left no such Node at ${binary}`);
  return binary;
}

function majorOf(binary: string): number | undefined {
  try {
    return Number(/^v(\d+)\./.exec(execFileSync(binary, ["--version"], { encoding: "utf8" }))?.[1]);
  } catch {
    return undefined;
  }
}
