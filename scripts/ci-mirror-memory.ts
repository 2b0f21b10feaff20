/*
 * Holds the built `mirror` to its memory: an estate of twenty images, 5 GB with one blob of 1 GB, goes from one registry to
 * another and into an archive. Prints the kernel's peak of the resident set for each; exit status 1 when one is over the
 * limit. Runs on Linux with GNU time, and takes 11 GB of disk below TMPDIR.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../bench/command.ts";
import { startEmbeddedRegistry } from "../bench/registry.ts";
import { abortOnSignals } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { openLayout } from "../src/store/layout/open-layout.ts";
import { makeEstate, mirrorFile } from "../test/support/mirror-estate.ts";

/** Most bytes of memory, whatever the estate's. */
const memoryLimit = 200_000_000;

const bigLayers = [1_000_000_000, ...Array<number>(8).fill(500_000_000)];

/** What is measured; the command's arguments, with the file that says what to mirror. */
const commands = {
  sync: (file: string, target: string): string[] => ["mirror", "sync", "--quiet", "-f", file, target],
  save: (file: string, archive: string): string[] => [
    "mirror",
    "save",
    "--quiet",
    "-f",
    file,
    `oci-archive:${archive}`,
  ],
};

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

const { signal, stopListening } = abortOnSignals();
try {
  process.exitCode = (await measure({ signal })) ? 0 : 1;
} finally {
  stopListening();
}

/** Whether both stayed below the limit. */
async function measure(call: Call): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-mirror-memory-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }));
  const startRegistry = async (name: string) => {
    const layout = await openLayout(join(directory, name), { create: true }, call);
    return startEmbeddedRegistry(main, layout, call);
  };
  const near = await startRegistry("near");
  cleanUp.defer(() => near.stop());
  const estate = await makeEstate(
    { host: near.host, url: `http://${near.host}` },
    { withFallback: false, bigLayers },
  );
  const file = join(directory, "mirror.yaml");
  writeFileSync(file, mirrorFile(estate));
  console.log(
    `near side: ${estate.images.size} images in ${estate.repositories.length} repositories, ${await diskUse(join(directory, "near"), call)}`,
  );

  const far = await startRegistry("far");
  let synced: boolean;
  try {
    const peak = await peakMemory(directory, commands.sync(file, far.host), call);
    synced = check(peak, `sync of ${await diskUse(join(directory, "far"), call)}`);
  } finally {
    await far.stop();
    rmSync(join(directory, "far"), { recursive: true });
  }
  const archive = join(directory, "images.tar");
  const peak = await peakMemory(directory, commands.save(file, archive), call);
  return check(peak, `save of an archive of ${formatBytes(statSync(archive).size)}`) && synced;
}

/** Peak resident memory of one run of the command, in bytes, as GNU time has it from the kernel. */
async function peakMemory(directory: string, args: readonly string[], call: Call): Promise<number> {
  const report = join(directory, "peak-memory");
  const timed = ["--format=%M", `--output=${report}`, process.execPath, main, ...args];
  await runCommand("time", timed, { env: { HOME: directory, TMPDIR: directory } }, call);
  return Number(readFileSync(report, "utf8")) * 1024;
}

function check(peak: number, what: string): boolean {
  const holds = peak < memoryLimit;
  console.log(
    `${holds ? "ok" : "OVER THE LIMIT"}: peak memory ${formatBytes(peak)} for a ${what}; limit ${formatBytes(memoryLimit)}`,
  );
  return holds;
}

async function diskUse(path: string, call: Call): Promise<string> {
  const [bytes] = (await runCommand("du", ["--bytes", "--summarize", path], {}, call)).split("\t");
  return formatBytes(Number(bytes));
}
