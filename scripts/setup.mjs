/*
 * Makes the clone ready, then runs the command given as arguments with node_modules/.bin first on PATH:
 *
 *     node scripts/setup.mjs node scripts/test.ts --project unit
 *
 * Ready means: node_modules holds what package-lock.json names (else `npm ci`), the `node` package's binary is there
 * in the version package.json pins, and dist/ is not older than src/ (else a build; `--no-build` as the first argument
 * leaves it out). It writes to standard error only, and nothing at all when there is nothing to do. Exit status and
 * signals are the command's.
 *
 * Plain JavaScript without dependencies: it is what runs before there is anything to run on, under Node 20 or later.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, isBuilt } from "./build.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const binaries = join(root, "node_modules", ".bin");

const command = process.argv.slice(2);
const needsBuild = command[0] !== "--no-build";
if (!needsBuild) command.shift();

if (!isInstalled()) install();
requirePinnedNode();
if (needsBuild && !isBuilt()) {
  say("building dist/");
  if (!build()) process.exit(1);
}
run(command);

/** Whether node_modules holds the very versions that the lockfile names; optional packages may be absent. */
function isInstalled() {
  const installed = packagesOf(join(root, "node_modules", ".package-lock.json"));
  if (installed === undefined) return false;
  const locked = packagesOf(join(root, "package-lock.json")) ?? {};
  for (const [location, { version, optional }] of Object.entries(locked)) {
    if (location === "") continue;
    const found = installed[location];
    if (found === undefined ? optional !== true : found.version !== version) return false;
  }
  return Object.keys(installed).every((location) => location in locked);
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function install() {
  say("installing dependencies (npm ci); this happens once and takes about 20 seconds");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    env: { ...process.env, PATH: pathWithout(binaries) },
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    process.stderr.write(npm.stdout ?? "");
    fail(`npm ci failed (${npm.error?.message ?? `exit status ${npm.status ?? npm.signal}`})`);
  }
}

/**
 * The `node` package's own install script fetches its binary: where such scripts are off, the machine's Node would
 * silently be used instead.
 */
function requirePinnedNode() {
  const pinned = `v${JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.node}`;
  const binary = join(binaries, "node");
  const remedy =
    "The package `node` fetches it by its install script, which did not run: `npm ci --ignore-scripts=false` runs it.";
  if (!existsSync(binary)) fail(`node_modules/.bin/node is missing, Node ${pinned} is needed. ${remedy}`);
  if (process.version === pinned && realpathSync(process.execPath) === realpathSync(binary)) return;
  const found = spawnSync(binary, ["--version"], { encoding: "utf8" });
  if (found.stdout?.trim() !== pinned) {
    const actual = found.stdout?.trim() || (found.error?.message ?? "broken");
    fail(`node_modules/.bin/node is ${actual}, Node ${pinned} is needed. ${remedy}`);
  }
}

function run([command, ...args]) {
  if (command === undefined) return;
  const child = spawn(command, args, {
    stdio: "inherit",
    env: { ...process.env, PATH: [binaries, pathWithout(binaries)].join(delimiter) },
    shell: process.platform === "win32",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(signal, () => {
      // A terminal sends SIGINT and SIGQUIT to the command itself as well: once is enough.
      const sentByTerminal = process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT");
      if (!sentByTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`${command}: ${error.message}`, 127));
  child.on("exit", (status, signal) => {
    if (signal === null) process.exit(status);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** PATH without a folder that npm put there, so that `npm ci` does not run on the Node it is about to replace. */
function pathWithout(folder) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => entry !== folder)
    .join(delimiter);
}

function say(message) {
  process.stderr.write(`compose-image: ${message}\n`);
}

function fail(message, status = 1) {
  say(message);
  process.exit(status);
}
