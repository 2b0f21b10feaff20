/*
 * Measures what bench/README.md shows, and writes results.json and the README's figures anew; with the argument `mirroring`
 * those of mirroring alone. Takes some minutes, about 25 GB of disk below TMPDIR, root (for overlay and tmpfs), and a machine
 * that does nothing else; removes what it wrote.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installLine, missingTools } from "../scripts/house/tools.ts";
import { abortOnSignals } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { openLayout } from "../src/store/layout/open-layout.ts";
import { runCommand } from "./command.ts";
import { type ComposedLayer, composeArguments, peakMemory, temporaryDisk } from "./compose-runs.ts";
import { writeBenchImages } from "./images/bench-images.ts";
import { describeMachine } from "./machine.ts";
import { timeMirroring } from "./mirror-runs.ts";
import { time, timedCommands } from "./peers.ts";
import { startDockerRegistry, startEmbeddedRegistry } from "./registry.ts";
import {
  type BenchResults,
  type MemoryPeaks,
  type MirrorResults,
  readResults,
  withFigures,
} from "./results.ts";

/** Of each timed command, after one to warm up; and of each measurement of memory. */
const runs = 7;
/** Of each command of mirroring. */
const mirrorRuns = 5;

const project = fileURLToPath(new URL("..", import.meta.url));
const main = join(project, "dist", "cli", "main.js");

const { signal, stopListening } = abortOnSignals();
try {
  const missing = missingTools("buildah", "docker-registry", "hyperfine", "skopeo", "time");
  if (missing.length > 0)
    throw new Error(`this machine lacks ${missing.join(", ")}: ${installLine(missing)}`);
  if (process.getuid?.() !== 0) throw new Error("overlay and tmpfs take root");
  const results = await (process.argv[2] === "mirroring" ? benchMirroring({ signal }) : bench({ signal }));
  const json = JSON.stringify(results, undefined, 2);
  writeFileSync(join(project, "bench", "results.json"), `${json}\n`);
  const readme = join(project, "bench", "README.md");
  writeFileSync(readme, withFigures(readFileSync(readme, "utf8"), results));
} finally {
  stopListening();
}

/** The committed results with what was measured of mirroring now. */
async function benchMirroring(call: Call): Promise<BenchResults> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-bench-"));
  try {
    return { ...readResults(), mirroring: await measureMirroring(directory, call) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureMirroring(directory: string, call: Call): Promise<MirrorResults> {
  const figures = await timeMirroring(main, directory, mirrorRuns, call);
  return { date: today(), machine: await describeMachine(directory, call), ...figures };
}

async function bench(call: Call): Promise<BenchResults> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-bench-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, "time"));

  const layout = await openLayout(join(directory, "layout"), { create: true }, call);
  const images = await writeBenchImages(
    project,
    layout,
    6,
    (name, { layers, tarSize, size }) =>
      console.log(
        `${name}: ${layers.length} layers, ${formatBytes(tarSize)} unpacked, ${formatBytes(size)} packed`,
      ),
    call,
  );
  const embedded = await startEmbeddedRegistry(main, layout, call);
  cleanUp.defer(() => embedded.stop());
  const docker = await startDockerRegistry(directory, layout, call);
  cleanUp.defer(() => docker.stop());

  const places = { main, directory: join(directory, "time"), host: docker.host, embeddedHost: embedded.host };
  const timings = await time(timedCommands(places), places.directory, runs, call);

  const mirroring = await measureMirroring(directory, call);

  const memory: MemoryPeaks[] = [];
  for (const { name, host } of [docker, embedded]) {
    for (const image of ["builder", "doubled"] as const) {
      const peaks: number[] = [];
      for (let run = 1; run <= runs; run++) {
        const target = `bench/memory-${image}-${run}:1`;
        peaks.push(await peakMemory({ main, host, directory }, image, target, call));
      }
      console.log(`${image} from ${name}: ${peaks.map(formatBytes).join(", ")}`);
      memory.push({ registry: name, image, peaks });
    }
  }
  const args = [main, ...composeArguments(docker.host, "builder", "bench/selection:1"), "--quiet", "--json"];
  const { layer } = JSON.parse(await runCommand(process.execPath, args, {}, call)) as {
    layer: ComposedLayer;
  };
  return {
    date: today(),
    machine: await describeMachine(directory, call),
    images: Object.fromEntries(
      Object.entries(images).map(([name, { layers, tarSize, size }]) => [
        name,
        { layers: layers.length, unpacked: tarSize, packed: size },
      ]),
    ),
    selection: { entries: layer.entries, size: layer.tarSize },
    memory,
    temporaryDisk: await temporaryDisk({ main, host: docker.host, directory }, "bench/disk:1", call),
    timings,
    mirroring,
  };
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
