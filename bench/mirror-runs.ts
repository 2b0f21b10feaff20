import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../src/io/call.ts";
import { type MirrorEstate, makeEstate, mirrorFile } from "../test/support/mirror-estate.ts";
import { shell, type TimedCommand, type Timing, time } from "./peers.ts";
import { startEmptyDockerRegistry } from "./registry.ts";

/** Bytes of the layer that each image has to itself, the two indexes excepted. */
const bigLayers = Array<number>(18).fill(25_000_000);

/** Where skopeo remembers, as root, which registry has which blob. */
const skopeoCache = "/var/lib/containers/cache";

/** Times the mirroring of an estate between two registries that are started for it; the project's own runs come first. */
export async function timeMirroring(
  main: string,
  directory: string,
  runs: number,
  call: Call,
): Promise<Timing[]> {
  const home = join(directory, "mirror");
  mkdirSync(home);
  await using cleanUp = new AsyncDisposableStack();
  const near = await startEmptyDockerRegistry(home, "near", call);
  cleanUp.defer(() => near.stop());
  const far = await startEmptyDockerRegistry(home, "far", call);
  cleanUp.defer(() => far.stop());
  const registry = { host: near.host, url: `http://${near.host}` };
  const estate = await makeEstate(registry, { withFallback: true, bigLayers });
  return await time(mirrorCommands(main, home, estate, far.host), home, runs, call);
}

/** The commands, for bash; `$RUN` is another number each time. */
function mirrorCommands(main: string, home: string, estate: MirrorEstate, far: string): TimedCommand[] {
  const file = join(home, "mirror.yaml");
  writeFileSync(file, mirrorFile(estate));
  const syncFile = join(home, "skopeo-sync.yaml");
  writeFileSync(syncFile, skopeoSyncFile(estate));
  const mirror = (below: string): string =>
    shell([process.execPath, main, "mirror", "sync", "--quiet", "-f", file, `${far}/${below}`]);
  const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const sync = (below: string): string =>
    withoutCache(
      shell([
        "skopeo",
        "sync",
        "--all",
        ...insecure,
        "--src=yaml",
        "--dest=docker",
        syncFile,
        `${far}/${below}`,
      ]),
    );
  const copy = `skopeo copy --all --quiet ${shell(insecure)} docker://${estate.registry.host}/$image docker://${far}/copy-$RUN/$image`;
  const copies = `for image in ${shell([...estate.images.keys()])}; do ${copy} || exit; done`;
  return [
    { name: "compose-image mirror sync", command: mirror("mirror-$RUN") },
    { name: "skopeo sync", command: sync("sync-$RUN") },
    { name: "skopeo copy --all, one after the other", command: withoutCache(copies) },
    { name: "compose-image mirror sync, everything there", command: mirror("mirror") },
    { name: "skopeo sync, everything there", command: sync("sync") },
  ];
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
  return `unshare --mount env RUN=$RUN bash -c '${prepared} && ${command}'`;
}
