/*
 * Builds dist/ from src/: `node scripts/build.mjs`. Also npm's `prepare`, hence plain JavaScript that runs under the
 * machine's own Node, 20 or later. dist/ is removed first, so that it never holds what src/ no longer does.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const main = join(root, "dist", "cli", "main.js");

/** Whether dist/ holds a module for each of src/, none of them older than anything it is built from. */
export function isBuilt() {
  const sources = filesBelow(join(root, "src"), ".ts");
  const modules = filesBelow(join(root, "dist"), ".js");
  if (sources.size === 0 || sources.size !== modules.size) return false;
  const newest = Math.max(
    ...sources.values(),
    ...["tsconfig.json", "tsconfig.build.json"].map((file) => statSync(join(root, file)).mtimeMs),
  );
  return [...sources.keys()].every((name) => (modules.get(name) ?? 0) >= newest);
}

/** Builds; says on standard error what went wrong when it returns false. */
export function build() {
  if (!existsSync(compiler)) {
    console.error("compose-image: dist/ is not built, since the development dependencies are not installed.");
    return existsSync(main);
  }
  rmSync(join(root, "dist"), { recursive: true, force: true });
  // Standard output is not this build's to write to: a command of the project may be running behind it.
  const tsc = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json", "--pretty", "false"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (tsc.status !== 0) {
    console.error(
      `compose-image: the build failed (tsc: ${tsc.error?.message ?? tsc.status ?? tsc.signal}).`,
    );
    return false;
  }
  if (!existsSync(main) || !readFileSync(main, "utf8").startsWith("#!/usr/bin/env node\n")) {
    console.error("compose-image: src/cli/main.ts must begin with #!/usr/bin/env node");
    return false;
  }
  chmodSync(main, 0o755);
  return true;
}

/** Modification times in milliseconds, by path below the folder and without the file's extension. */
function filesBelow(folder, extension) {
  const files = new Map();
  if (!existsSync(folder)) return files;
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!name.endsWith(extension) || name.endsWith(".d.ts")) continue;
    files.set(name.slice(0, -extension.length), statSync(join(folder, name)).mtimeMs);
  }
  return files;
}

// npm prunes development dependencies and still runs `prepare`: nothing to build with is no error then.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = build() || !existsSync(compiler) ? 0 : 1;
}
