/*
 * Holds the built command to what bench/README.md says about memory and temporary disk: peak memory on a builder of
 * 500 MB and on one twice as large, with a million entries selected, and with 10 GiB of zeros selected; and a 100 MB
 * file replaced in six layers with room on the disk for one of it.
 * Prints the figures; exit status 1 when one is over its limit. Runs as root, on Linux, with GNU time.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peakMemory, temporaryDisk } from "../bench/compose-runs.ts";
import { writeBenchImages } from "../bench/images/bench-images.ts";
import { writeExtremeImages } from "../bench/images/extreme-images.ts";
import { startEmbeddedRegistry } from "../bench/registry.ts";
import { abortOnSignals } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { openLayout } from "../src/store/layout/open-layout.ts";

/** Most bytes of memory, whatever the images' bytes. */
const memoryLimit = 250_000_000;
/** The same with a million entries, which are kept; of the median, as when V8 collects makes a tenth of it. */
const millionLimit = 500_000_000;
/** How much more a builder twice as large may take. */
const growthLimit = 1.2;
/** Runs of which the worst counts, where nothing else is said. */
const runs = 3;

const project = fileURLToPath(new URL("..", import.meta.url));
const main = join(project, "dist", "cli", "main.js");

const { signal, stopListening } = abortOnSignals();
try {
  process.exitCode = (await measure({ signal })) ? 0 : 1;
} finally {
  stopListening();
}

/** Whether everything stayed below its limit. */
async function measure(call: Call): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-memory-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }));
  const layout = await openLayout(join(directory, "layout"), { create: true }, call);
  const { builder, doubled } = await writeBenchImages(
    project,
    layout,
    1,
    (name, { layers, tarSize }) =>
      console.log(`${name}: ${layers.length} layers, ${formatBytes(tarSize)} unpacked`),
    call,
  );
  await writeExtremeImages(layout, call);
  const registry = await startEmbeddedRegistry(main, layout, call);
  cleanUp.defer(() => registry.stop());
  const composing = { main, host: registry.host, directory };

  const peaks = { builder: 0, doubled: 0 };
  for (let run = 1; run <= runs; run++) {
    for (const image of ["builder", "doubled"] as const) {
      const peak = await peakMemory(composing, image, `bench/memory-${image}-${run}:1`, call);
      peaks[image] = Math.max(peaks[image], peak);
    }
  }
  const growth = peaks.doubled / peaks.builder;
  const times = (doubled.tarSize / builder.tarSize).toFixed(1);
  const millions: number[] = [];
  const below = () => millions.filter((peak) => peak < millionLimit).length;
  // Two runs on one side of the limit have the median of three there.
  for (let run = 1; run <= runs && below() < 2 && run - 1 - below() < 2; run++)
    millions.push(await peakMemory(composing, "million", `bench/memory-million-${run}:1`, call));
  const zeros = await peakMemory(composing, "zeros", "bench/memory-zeros:1", call);
  const disk = await temporaryDisk(composing, "bench/temporary-disk:1", call);

  return [
    check(
      peaks.builder < memoryLimit && peaks.doubled < memoryLimit,
      `peak memory ${formatBytes(peaks.builder)}, and ${formatBytes(peaks.doubled)} with a builder ${times} times as large; limit ${formatBytes(memoryLimit)}`,
    ),
    check(growth <= growthLimit, `that is ${growth.toFixed(2)} times as much; limit ${growthLimit}`),
    check(
      below() >= 2,
      `peak memory ${millions.map(formatBytes).join(", ")} with a million entries; limit of the median ${formatBytes(millionLimit)}`,
    ),
    check(
      zeros < memoryLimit,
      `peak memory ${formatBytes(zeros)} with 10 GiB of zeros; limit ${formatBytes(memoryLimit)}`,
    ),
    check(
      disk.peak <= disk.fileSystemSize,
      `temporary disk ${formatBytes(disk.peak)} for a file replaced in six layers; there was room for ${formatBytes(disk.fileSystemSize)}, the bound is ${formatBytes(disk.bound)}`,
    ),
  ].every(Boolean);
}

function check(holds: boolean, finding: string): boolean {
  console.log(`${holds ? "ok" : "OVER THE LIMIT"}: ${finding}`);
  return holds;
}
