/*
 * Holds the built `serve` to what bench/README.md says about its memory: 64 clients pull an image of 60 MB at once, each a
 * connection of its own, of a layout and of an archive; half of them wait after every chunk, so that what is not read piles
 * up if it can. Prints the kernel's peak of the resident set; exit status 1 when it is over the limit. Runs on Linux.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runCommand, startCommand } from "../bench/command.ts";
import { abortOnSignals } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import type { Descriptor } from "../src/model/descriptor.ts";
import { digestOf } from "../src/model/digest.ts";
import { encodeJson, encodeManifest } from "../src/model/manifest.ts";
import { mediaTypes } from "../src/model/media-types.ts";
import { openLayout } from "../src/store/layout/open-layout.ts";

const limit = 150_000_000;
const clients = 64;
const layerSizes = [30_000_000, 20_000_000, 10_000_000];

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

const { signal, stopListening } = abortOnSignals();
try {
  process.exitCode = (await measure({ signal })) ? 0 : 1;
} finally {
  stopListening();
}

/** Whether both stayed below the limit. */
async function measure(call: Call): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "compose-image-serve-memory-"));
  try {
    const layout = join(directory, "store");
    const blobs = await writeImage(layout, call);
    const archive = join(directory, "store.tar");
    await runCommand("tar", ["-cf", archive, "-C", layout, "."], {}, call);
    const findings = [
      await check("a layout", layout, blobs, call),
      await check("an archive", archive, blobs, call),
    ];
    return findings.every(Boolean);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes an image of random layers as `store:1`, and gives its layers. */
async function writeImage(directory: string, call: Call): Promise<readonly Descriptor[]> {
  const layout = await openLayout(directory, { create: true }, call);
  const write = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
    await layout.push(descriptor, async () => once(bytes), call);
    return descriptor;
  };
  const layers: Descriptor[] = [];
  for (const size of layerSizes) layers.push(await write(mediaTypes.oci.layerGzip, randomBytes(size)));
  const config = await write(mediaTypes.oci.config, encodeJson({ architecture: "amd64", os: "linux" }));
  const mediaType = mediaTypes.oci.manifest;
  const bytes = encodeManifest({ kind: "manifest", mediaType, config, layers, annotations: {} });
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await layout.tag({ descriptor, bytes }, "1", call);
  return layers;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function check(
  what: string,
  place: string,
  blobs: readonly Descriptor[],
  call: Call,
): Promise<boolean> {
  const args = [main, "serve", place, "--listen", "127.0.0.1:0"];
  const server = await startCommand(process.execPath, args, /listening on (http:\/\/\S+)/, call);
  try {
    const url = server.ready[1] ?? "";
    const pulls = Array.from({ length: clients }, (_, i) => pullAll(url, blobs, i % 2 === 0));
    const pulled = (await Promise.all(pulls)).reduce((sum, bytes) => sum + bytes, 0);
    const peak = peakOf(server.pid);
    const wanted = clients * blobs.reduce((sum, { size }) => sum + size, 0);
    const holds = peak < limit && pulled === wanted;
    console.log(
      `${holds ? "ok" : "OVER THE LIMIT"}: peak memory ${formatBytes(peak)} while ${clients} clients pulled ${formatBytes(pulled)} of ${what}; limit ${formatBytes(limit)}`,
    );
    return holds;
  } finally {
    await server.stop();
  }
}

/** Pulls the manifest and all layers over one connection; gives the layers' bytes. */
async function pullAll(url: string, layers: readonly Descriptor[], waits: boolean): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await pull(agent, `${url}/v2/store/manifests/1`, false);
    let bytes = 0;
    for (const { digest } of layers) bytes += await pull(agent, `${url}/v2/store/blobs/${digest}`, waits);
    return bytes;
  } finally {
    agent.destroy();
  }
}

async function pull(agent: Agent, url: string, waits: boolean): Promise<number> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent }, resolve).on("error", reject);
  });
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (waits) await delay(1);
  }
  return size;
}

/** The kernel's peak of a process's resident set, in bytes. */
function peakOf(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}
