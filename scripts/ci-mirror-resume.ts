/*
 * Holds the built `mirror` to what it reads again after `kill -9` at half of a blob of 1 GB: at most 8 MB, for a layout and an
 * archive, as a recording proxy before the source counts them. The proxy goes no further than to half, and the process is
 * killed when it has read all that was sent, for how much waits in sockets is the kernel's choice. What it is when the target
 * is a registry, where an upload begins again, is printed and may be anything. Exit status 1 when it is more than the limit, or
 * the outcome is not whole. Runs on Linux.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runCommand } from "../bench/command.ts";
import { abortOnSignals } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { type RecordingProxy, startRecordingProxy } from "../test/support/recording-proxy.ts";
import { HoseRegistry } from "./house/hose-registry.ts";

const blobSize = 1_000_000_000;
/** Most bytes that are read again. */
const limit = 8_000_000;

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

const { signal, stopListening } = abortOnSignals();
try {
  process.exitCode = (await measure({ signal })) ? 0 : 1;
} finally {
  stopListening();
}

/** Whether it stayed below the limit where there is one. */
async function measure(call: Call): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-mirror-resume-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }));
  const near = cleanUp.use(new HoseRegistry());
  const proxy = await startRecordingProxy(`http://${await near.start()}`);
  cleanUp.defer(() => proxy.stop());
  const far = cleanUp.use(new HoseRegistry());
  near.addImage("large", "1", [blobSize]);
  const file = join(directory, "mirror.yaml");
  writeFileSync(file, `repositories:\n  - name: ${proxy.host}/large:1\n`);

  const env = { HOME: directory, TMPDIR: directory };
  const places = [`oci:${directory}/layout`, `oci-archive:${directory}/images.tar`];
  let holds = true;
  for (const place of places) {
    const again = await readAgain(proxy, ["mirror", "save", "--quiet", "-f", file, place], env, call);
    await runCommand(process.execPath, [main, "mirror", "verify", "--quiet", place], { env }, call);
    const isBelow = again <= limit;
    holds &&= isBelow;
    const [kind] = place.split(":");
    console.log(
      `${isBelow ? "ok" : "OVER THE LIMIT"}: ${formatBytes(again)} of ${formatBytes(blobSize)} read again into ${kind} after kill -9 at half; limit ${formatBytes(limit)}`,
    );
  }
  const sync = ["mirror", "sync", "--quiet", "-f", file, await far.start()];
  const again = await readAgain(proxy, sync, env, call);
  console.log(`for comparison: ${formatBytes(again)} read again where a registry is the target`);
  return holds;
}

/** Kills a command at half of the blob and runs it again; gives how many bytes the source has sent more than the blob has. */
async function readAgain(
  proxy: RecordingProxy,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  call: Call,
): Promise<number> {
  proxy.forget();
  proxy.fault = ({ range }) =>
    range === undefined ? { kind: "stall-response", afterBytes: blobSize / 2 } : undefined;
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: "inherit",
  });
  const closed = once(child, "close");
  while (isRunning(child) && (bytesSent(proxy) < blobSize / 2 || !isReadOut(proxy))) {
    await delay(5, undefined, call);
  }
  child.kill("SIGKILL");
  const [, ending] = await closed;
  if (ending !== "SIGKILL") throw new Error(`${args.join(" ")} ended before half of the blob was read`);
  proxy.fault = undefined;
  await runCommand(process.execPath, [main, ...args], { env }, call);
  return bytesSent(proxy) - blobSize;
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Of the blob, or near enough: a configuration and a manifest are a thousand bytes more. */
function bytesSent({ exchanges }: RecordingProxy): number {
  return exchanges.reduce((sum, { responseBytes }) => sum + responseBytes, 0);
}

/** Whether nothing waits in the sockets of the proxy's connections to its clients. */
function isReadOut({ host }: RecordingProxy): boolean {
  const port = Number(host.split(":").at(-1)).toString(16).toUpperCase().padStart(4, "0");
  const sockets = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return sockets
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, remote]) => local?.endsWith(`:${port}`) || remote?.endsWith(`:${port}`))
    .every(([, , , state, queues]) => state !== "01" || queues === "00000000:00000000");
}
