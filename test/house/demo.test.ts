import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const demo = fileURLToPath(new URL("../../scripts/demo.ts", import.meta.url));
/** What the npm script runs it on, whatever runs this test. */
const node = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "compose-image-demo-test-"));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("the demo leaves nothing behind when %s interrupts it while it packs", async (signal, status) => {
  const child = spawn(node, [demo], {
    env: { PATH: process.env.PATH, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  for await (const chunk of child.stdout) if (String(chunk).includes("packed\n")) break;
  expect(readdirSync(temporary)).toEqual([expect.stringMatching(/^compose-image-demo-/)]);
  child.kill(signal);
  expect(await ended).toEqual([status, null]);
  expect(readdirSync(temporary)).toEqual([]);
});
