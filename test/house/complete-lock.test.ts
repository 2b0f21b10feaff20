import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../scripts/complete-lock.mjs", import.meta.url));

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "compose-image-lock-"));
  cpSync(script, join(project, "scripts", "complete-lock.mjs"));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

test("a platform's package that the lockfile lacks is added with its version and platform, in npm's order", () => {
  writeLock({
    "": { version: "0.1.0" },
    "node_modules/@tool/cli-linux-x64": { version: "1.2.3", optional: true },
    "node_modules/tool": {
      version: "1.2.3",
      dev: true,
      optionalDependencies: {
        "@tool/cli-darwin-arm64": "1.2.3",
        "@tool/cli-linux-arm-gnueabihf": "1.2.3",
        "@tool/cli-linux-x64": "1.2.3",
        "@tool/cli-linux-x64-musl": "1.2.3",
      },
    },
  });
  expect(completeLock().status).toBe(0);
  expect(Object.entries(readLock())).toMatchObject([
    ["", { version: "0.1.0" }],
    [
      "node_modules/@tool/cli-darwin-arm64",
      { version: "1.2.3", dev: true, optional: true, os: ["darwin"], cpu: ["arm64"] },
    ],
    ["node_modules/@tool/cli-linux-arm-gnueabihf", { os: ["linux"], cpu: ["arm"], libc: ["glibc"] }],
    ["node_modules/@tool/cli-linux-x64", { version: "1.2.3", optional: true }],
    ["node_modules/@tool/cli-linux-x64-musl", { os: ["linux"], cpu: ["x64"], libc: ["musl"] }],
    ["node_modules/tool", { version: "1.2.3" }],
  ]);
  expect(completeLock("--check").status).toBe(0);
});

test("--check names what is missing, fails, and changes nothing", () => {
  const packages = { "node_modules/tool": { optionalDependencies: { "tool-win32-x64": "1.0.0" } } };
  writeLock(packages);
  expect(completeLock("--check")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("tool-win32-x64@1.0.0"),
  });
  expect(readLock()).toEqual(packages);
});

test("a package nested below its dependent counts as there", () => {
  writeLock({
    "node_modules/tool": { optionalDependencies: { "tool-linux-x64": "1.0.0" } },
    "node_modules/tool/node_modules/tool-linux-x64": { version: "1.0.0", optional: true },
  });
  expect(completeLock("--check").status).toBe(0);
});

test("an optional package whose name tells no platform is left to a person", () => {
  writeLock({ "node_modules/tool": { optionalDependencies: { fsevents: "1.0.0" } } });
  expect(completeLock()).toMatchObject({ status: 1, stderr: expect.stringContaining("fsevents@1.0.0") });
});

function writeLock(packages: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(project, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages }));
}

function readLock(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")).packages;
}

function completeLock(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [join(project, "scripts", "complete-lock.mjs"), ...args], {
    encoding: "utf8",
  });
}
