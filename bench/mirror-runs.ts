import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { type MirrorEstate, makeEstate, mirrorFile } from "../test/support/mirror-estate.ts";
import { runCommand } from "./command.ts";
import { publicCommand, shell, type TimedCommand } from "./peers.ts";
import { startEmptyDockerRegistry } from "./registry.ts";

/** Bytes of the layers that images share, and of one of each image's own. */
const layerSize = 2_000_000;
/** Bytes of a further layer of each image's own, the two indexes excepted. */
const bigLayers = Array<number>(18).fill(20_000_000);

/** Where skopeo remembers, as root, which registry has which blob. */
const skopeoCache = "/var/lib/containers/cache";

/** One command of mirroring: what its runs took. Times are seconds, memory bytes. */
export interface MirrorTiming {
  readonly name: string;
  readonly command: string;
  /** Name of the command it does the same as; its own for the project's. */
  readonly comparedWith: string;
  readonly runs: readonly number[];
  /** Of processes, in the same order. */
  readonly cpu: readonly number[];
  /** Resident memory of the largest process, in the same order. */
  readonly peaks: readonly number[];
}

/** What mirroring was measured on, and what it took. */
export interface MirrorFigures {
  /** Bytes of all blobs that the runs read, each once. */
  readonly bytes: number;
  readonly images: number;
  readonly timings: readonly MirrorTiming[];
}

/**
 * Times the mirroring of an estate between two registries that are started for it: command after command, and all of them
 * again, so that what else the machine does falls on all alike. Those that are to find everything there run once before.
 */
export async function timeMirroring(
  main: string,
  directory: string,
  runs: number,
  call: Call,
): Promise<MirrorFigures> {
  const home = join(directory, "mirror");
  mkdirSync(home);
  await using cleanUp = new AsyncDisposableStack();
  const near = await startEmptyDockerRegistry(home, "near", call);
  cleanUp.defer(() => near.stop());
  const far = await startEmptyDockerRegistry(home, "far", call);
  cleanUp.defer(() => far.stop());
  const registry = { host: near.host, url: `http://${near.host}` };
  const estate = await makeEstate(registry, { withFallback: true, layerSize, bigLayers });
  const commands = mirrorCommands(main, home, estate, far.host);
  const taken = commands.map(() => ({ runs: [] as number[], cpu: [] as number[], peaks: [] as number[] }));
  for (let run = 0; run <= runs; run += 1) {
    for (const [i, { name, command }] of commands.entries()) {
      if (run === 0 && command.includes("$RUN")) continue;
      const { seconds, cpu, peak } = await timeOnce(command, run, home, call);
      console.log(
        `${name}: ${seconds.toFixed(2)} s, ${cpu.toFixed(1)} s of CPU, ${formatBytes(peak)}${run === 0 ? ", not counted" : ""}`,
      );
      if (run === 0) continue;
      taken[i]?.runs.push(seconds);
      taken[i]?.cpu.push(cpu);
      taken[i]?.peaks.push(peak);
    }
  }
  const layers = [...estate.images.values()].flat().flatMap((image) => image.layers);
  const sizes = new Map(layers.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
  return {
    bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    images: estate.images.size,
    timings: commands.map(({ name, command, comparedWith }, i) => ({
      ...{ name, comparedWith, command: publicCommand(command, directory) },
      ...(taken[i] ?? { runs: [], cpu: [], peaks: [] }),
    })),
  };
}

type MirrorCommand = TimedCommand & Pick<MirrorTiming, "comparedWith">;

/** The commands, for bash; `$RUN` is another number each time. */
function mirrorCommands(main: string, home: string, estate: MirrorEstate, far: string): MirrorCommand[] {
  const file = join(home, "mirror.yaml");
  const unsigned = join(home, "unsigned.yaml");
  writeFileSync(file, mirrorFile(estate));
  writeFileSync(unsigned, `referrers: false\n${mirrorFile(estate)}`);
  const syncFile = join(home, "skopeo-sync.yaml");
  writeFileSync(syncFile, skopeoSyncFile(estate));
  const mirror = (from: string, below: string): string =>
    shell([process.execPath, main, "mirror", "sync", "--quiet", "-f", from, `${far}/${below}`]);
  // without the first skopeo packs layers that are not packed, under other digests
  const options = ["--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
  const sync = (below: string): string => {
    const places = ["--src=yaml", "--dest=docker", syncFile, `${far}/${below}`];
    return withoutCache(shell(["skopeo", "sync", "--all", ...options, ...places]));
  };
  const copies = (below: string): string => {
    const places = `docker://${estate.registry.host}/$image docker://${far}/${below}/$image`;
    const copy = `skopeo copy --all --quiet ${shell(options)} ${places}`;
    return withoutCache(`for image in ${shell([...estate.images.keys()])}; do ${copy} || exit; done`);
  };
  const first = "compose-image mirror sync";
  const again = "compose-image mirror sync, nothing new";
  return [
    { name: first, comparedWith: first, command: mirror(file, "mirror-$RUN") },
    { name: "the same without referrers", comparedWith: first, command: mirror(unsigned, "unsigned-$RUN") },
    { name: "skopeo sync", comparedWith: first, command: sync("sync-$RUN") },
    { name: "skopeo copy --all, one after the other", comparedWith: first, command: copies("copy-$RUN") },
    { name: again, comparedWith: again, command: mirror(file, "mirror") },
    {
      name: "the same without referrers, nothing new",
      comparedWith: again,
      command: mirror(unsigned, "mirror"),
    },
    { name: "skopeo sync, nothing new", comparedWith: again, command: sync("sync") },
    { name: "skopeo copy --all, nothing new", comparedWith: again, command: copies("copy") },
  ];
}

/** One run of a command, with nothing to write left on the file system before. */
async function timeOnce(
  command: string,
  run: number,
  home: string,
  call: Call,
): Promise<{ readonly seconds: number; readonly cpu: number; readonly peak: number }> {
  const report = join(home, "time");
  const env = { HOME: home, TMPDIR: home, RUN: String(run) };
  await runCommand("sync", [], {}, call);
  const timed = ["--format=%e %U %S %M", `--output=${report}`, "bash", "-c", command];
  await runCommand("time", timed, { env }, call);
  const [seconds = 0, user = 0, system = 0, kibibytes = 0] = readFileSync(report, "utf8")
    .split(" ")
    .map(Number);
  return { seconds, cpu: user + system, peak: kibibytes * 1024 };
}

/** The images of a `mirror.yaml` in the words of skopeo. It names repositories at the destination by their last part. */
function skopeoSyncFile({ registry, repositories, images }: MirrorEstate): string {
  const tags = (repository: string): string[] =>
    [...images.keys()].flatMap((name) =>
      name.startsWith(`${repository}:`) ? [name.slice(repository.length + 1)] : [],
    );
  const listed = Object.fromEntries(repositories.map((repository) => [repository, tags(repository)]));
  // YAML, as all JSON is.
  return JSON.stringify({ [registry.host]: { "tls-verify": false, images: listed } });
}

/** With an empty place for skopeo's cache, in a mount namespace of its own. Needs root. */
function withoutCache(command: string): string {
  const prepared = `mkdir -p ${skopeoCache} && mount -t tmpfs tmpfs ${skopeoCache}`;
  return `unshare --mount bash -c '${prepared} && ${command}'`;
}
