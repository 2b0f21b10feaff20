/*
 * Holds the built `mirror` to its memory: twenty images of 5 GB, one blob of 1 GB among them, go from one registry to
 * another, into an archive, which is verified, and from the archive to a registry. The registries are those of
 * scripts/house/hose-registry.ts, which keep no bytes. Prints the kernel's peak of the resident set and the time for each;
 * exit status 1 when one is over the limit. Runs on Linux with GNU time, and takes 5 GB of disk below TMPDIR.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../bench/command.ts";
import { abortOnSignals } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { HoseRegistry } from "./house/hose-registry.ts";

/** Most bytes of memory, whatever the images' bytes. */
const memoryLimit = 200_000_000;

const images = 20;
/** Of a layer of every image. */
const smallLayer = 2_000_000;
/** Of a further layer for each of the first images. */
const bigLayers = [1_000_000_000, ...Array<number>(8).fill(500_000_000)];

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

const { signal, stopListening } = abortOnSignals();
try {
  process.exitCode = (await measure({ signal })) ? 0 : 1;
} finally {
  stopListening();
}

/** Whether all stayed below the limit. */
async function measure(call: Call): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-mirror-memory-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }));
  const near = cleanUp.use(new HoseRegistry());
  const host = await near.start();
  for (let i = 0; i < images; i += 1)
    near.addImage("team/app", `1.${i}`, [smallLayer, ...bigLayers.slice(i, i + 1)]);
  const file = join(directory, "mirror.yaml");
  const tags = Array.from({ length: images }, (_, i) => `"1.${i}"`).join(", ");
  writeFileSync(file, `repositories:\n  - name: ${host}/team/app\n    tags: [${tags}]\n`);

  const archive = `oci-archive:${join(directory, "images.tar")}`;
  const synced = cleanUp.use(new HoseRegistry());
  const loaded = cleanUp.use(new HoseRegistry());
  const runs = [
    ["sync", ["-f", file, await synced.start()], () => synced.moved.received],
    ["save", ["-f", file, archive], () => near.moved.sent],
    ["verify", [archive], undefined],
    ["load", [archive, await loaded.start()], () => loaded.moved.received],
  ] as const;
  let holds = true;
  for (const [command, args, moved] of runs) {
    near.moved.sent = 0;
    const started = performance.now();
    const peak = await peakMemory(directory, ["mirror", command, "--quiet", ...args], call);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const isBelow = peak < memoryLimit;
    holds &&= isBelow;
    const amount = moved === undefined ? "" : ` of ${formatBytes(moved())}`;
    console.log(
      `${isBelow ? "ok" : "OVER THE LIMIT"}: peak memory ${formatBytes(peak)} for mirror ${command}${amount} in ${seconds} s; limit ${formatBytes(memoryLimit)}`,
    );
  }
  return holds;
}

/** Peak resident memory of one run of the command, in bytes, as GNU time has it from the kernel. */
async function peakMemory(directory: string, args: readonly string[], call: Call): Promise<number> {
  const report = join(directory, "peak-memory");
  const timed = ["--format=%M", `--output=${report}`, process.execPath, main, ...args];
  await runCommand("time", timed, { env: { HOME: directory, TMPDIR: directory } }, call);
  return Number(readFileSync(report, "utf8")) * 1024;
}
