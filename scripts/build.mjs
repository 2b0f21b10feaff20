/*
 * Builds dist/ from src/: `node scripts/build.mjs`. Also npm's `prepare`, hence plain JavaScript that runs under the
 * machine's own Node, 20 or later. dist/ is made anew beside the old one and put in its place, so that it never holds
 * what src/ no longer does, and a failed build leaves the old one standing.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const dist = join(root, "dist");
const main = join(dist, "cli", "main.js");

/** Whether dist/ holds a module for each of src/, none of them older than anything it is built from. */
export function isBuilt() {
  const sources = filesBelow(join(root, "src"), ".ts");
  const modules = filesBelow(dist, ".js");
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
  const next = `${dist}.${process.pid}`;
  try {
    return buildInto(next);
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

function buildInto(next) {
  // Standard output is not this build's to write to: a command of the project may be running behind it.
  const tsc = spawnSync(
    process.execPath,
    [compiler, "-p", "tsconfig.build.json", "--pretty", "false", "--outDir", next],
    {
      cwd: root,
      stdio: ["ignore", 2, 2],
    },
  );
  if (tsc.status !== 0) {
    console.error(
      `compose-image: the build failed (tsc: ${tsc.error?.message ?? tsc.status ?? tsc.signal}).`,
    );
    return false;
  }
  const nextMain = join(next, "cli", "main.js");
  if (!existsSync(nextMain) || !readFileSync(nextMain, "utf8").startsWith("#!/usr/bin/env node\n")) {
    console.error("compose-image: src/cli/main.ts must begin with #!/usr/bin/env node");
    return false;
  }
  chmodSync(nextMain, 0o755);
  const former = `${next}.former`;
  if (existsSync(dist)) renameSync(dist, former);
  renameSync(next, dist);
  rmSync(former, { recursive: true, force: true });
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
