import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const scripts = fileURLToPath(new URL("../../scripts", import.meta.url));

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "compose-image-setup-"));
  for (const script of ["setup.mjs", "build.mjs"])
    cpSync(join(scripts, script), join(project, "scripts", script));
  write("package.json", JSON.stringify({ devDependencies: { node: process.version.slice(1) } }));
  write("package-lock.json", lockfile({ "": "0.1.0", "node_modules/one": "1.0.0" }));
  write("node_modules/.package-lock.json", lockfile({ "node_modules/one": "1.0.0" }));
  write("node_modules/.bin/node", `#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
  write("tools/npm", '#!/bin/sh\necho "npm $*" >>"$PWD/npm.log"\n');
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

test("the command gets its arguments as they are, node_modules/.bin first on PATH, and a silent setup", () => {
  write("node_modules/.bin/tool", '#!/bin/sh\nprintf "%s|" "$@"\n');
  expect(setup(["--no-build", "tool", "a b", "", "--no-build", "$HOME"])).toEqual({
    status: 0,
    stdout: "a b||--no-build|$HOME|",
    stderr: "",
  });
});

test("the command's exit status is the script's", () => {
  expect(setup(["--no-build", "sh", "-c", "exit 7"]).status).toBe(7);
});

test("a command that cannot be found is said so, with the shell's exit status for it", () => {
  expect(setup(["--no-build", "no-such-command"])).toMatchObject({
    status: 127,
    stderr: expect.stringContaining("no-such-command"),
  });
});

test("a signal reaches the command, which may end in its own way", async () => {
  const patient =
    "process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000); console.log('ready')";
  expect(await interrupted(patient)).toEqual([5, null]);
});

test("a command that dies of a signal makes the script die of it too", async () => {
  expect(await interrupted("setInterval(() => {}, 1000); console.log('ready')")).toEqual([null, "SIGTERM"]);
});

test.each([
  ["lacks a package", {}],
  ["holds another version", { "node_modules/one": "1.0.1" }],
  ["holds a package too many", { "node_modules/one": "1.0.0", "node_modules/two": "2.0.0" }],
])("npm ci runs when node_modules %s", (_, installed) => {
  write("node_modules/.package-lock.json", lockfile(installed));
  expect(setup(["--no-build", "true"])).toMatchObject({
    status: 0,
    stdout: "",
    stderr: expect.stringMatching(/npm ci/),
  });
  expect(read("npm.log")).toMatch(/^npm ci /);
});

test("npm ci does not run for an optional package that this platform goes without", () => {
  const packages = {
    "": {},
    "node_modules/one": { version: "1.0.0" },
    "node_modules/two": { version: "2.0.0", optional: true },
  };
  write("package-lock.json", JSON.stringify({ packages }));
  expect(setup(["--no-build", "true"])).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("a failed npm ci ends the script with what npm said, and the command does not run", () => {
  write("node_modules/.package-lock.json", lockfile({}));
  write("tools/npm", "#!/bin/sh\necho to stdout\necho to stderr >&2\nexit 3\n");
  const { status, stdout, stderr } = setup(["--no-build", "echo", "ran"]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/to stderr\n[\s\S]*to stdout\n[\s\S]*exit status 3/);
});

test.each([
  ["missing", undefined],
  ["of another version", "#!/bin/sh\necho v20.1.0\n"],
])("a Node in node_modules that is %s is said in one line with its remedy", (_, binary) => {
  rmSync(join(project, "node_modules/.bin/node"));
  if (binary !== undefined) write("node_modules/.bin/node", binary);
  const { status, stdout, stderr } = setup(["--no-build", "echo", "ran"]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^[^\n]*--ignore-scripts=false[^\n]*\n$/);
  expect(stderr).toContain(`Node ${process.version} is needed`);
});

test("dist/ is built when it is missing, older than src/, or holds what src/ no longer does", () => {
  for (const [name, content] of [
    ["tsconfig.json", "{}"],
    ["tsconfig.build.json", "{}"],
    ["src/index.ts", ""],
    ["src/cli/main.ts", ""],
    ["src/old.ts", ""],
  ] as const) {
    write(name, content);
    const past = new Date(Date.now() - 60_000);
    utimesSync(join(project, name), past, past);
  }
  // Stands in for the compiler: a module for each source, and a note that it ran.
  write(
    "node_modules/typescript/bin/tsc",
    `const fs = require("node:fs");
     fs.appendFileSync("built.log", "built\\n");
     const out = process.argv[process.argv.indexOf("--outDir") + 1];
     for (const name of fs.readdirSync("src", { recursive: true })) {
       if (!name.endsWith(".ts")) continue;
       fs.mkdirSync(out + "/cli", { recursive: true });
       fs.writeFileSync(out + "/" + name.replace(/ts$/, "js"), "#!/usr/bin/env node\\n");
     }`,
  );
  const builds = () => {
    expect(setup(["true"]).status).toBe(0);
    return read("built.log").split("\n").length - 1;
  };
  expect(builds()).toBe(1);
  expect(builds()).toBe(1);
  const future = new Date(Date.now() + 1000);
  utimesSync(join(project, "src/index.ts"), future, future);
  expect(builds()).toBe(2);
  const past = new Date(Date.now() - 60_000);
  utimesSync(join(project, "src/index.ts"), past, past);
  rmSync(join(project, "src/old.ts"));
  expect(builds()).toBe(3);
  expect(builds()).toBe(3);
});

function write(name: string, content: string): void {
  const path = join(project, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, 0o755);
}

function read(name: string): string {
  return readFileSync(join(project, name), "utf8");
}

function lockfile(versions: Readonly<Record<string, string>>): string {
  const packages = Object.entries(versions).map(([location, version]) => [location, { version }]);
  return JSON.stringify({ packages: Object.fromEntries(packages) });
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [join(project, "tools"), process.env.PATH].join(delimiter) };
}

function setup(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const script = join(project, "scripts", "setup.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: project,
    env: environment(),
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** How the script ends when it gets SIGTERM while a Node program runs behind it. */
async function interrupted(program: string): Promise<unknown[]> {
  const script = join(project, "scripts", "setup.mjs");
  const child = spawn(process.execPath, [script, "--no-build", process.execPath, "--eval", program], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  return ended;
}
