import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runOracle } from "../oracle/run-oracle.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { type MirrorEstate, makeEstate, mirrorFile } from "../support/mirror-estate.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import type { Registry } from "../support/registry.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const shards = [1, 2, 3, 4, 5, 6, 7, 8];

/** The images of the estate that something refers to. */
const signed = ["team/app:1.0", "team/api:1.0", "team/worker:1.0"];

describeWith(["cli", "docker-registry", "python3"], "eight workers with a share each", () => {
  let near: Registry;
  let far: Registry;
  let from: RecordingProxy;
  let to: RecordingProxy;
  let estate: MirrorEstate;
  let file: string;
  /** The images that each share came to, as they are printed. */
  let shares: readonly (readonly string[])[];

  beforeAll(async () => {
    [near, far] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    [from, to] = await Promise.all([startRecordingProxy(near.url), startRecordingProxy(far.url)]);
    estate = await makeEstate(near, { withFallback: true });
    file = join(await temporaryDirectory("shards"), "mirror.yaml");
    await writeFile(file, mirrorFile({ ...estate, registry: from }));
  });
  afterAll(async () => {
    for (const each of [from, to, near, far]) await each.stop();
  });

  test("bring everything between them, and none of them reads a blob twice", async () => {
    const results = await Promise.all(shards.map((number) => sync(`${number}/8`)));
    shares = results.map(imagesOf);
    expect(await runOracle("compare", near.url, far.url)).toEqual({
      status: 0,
      lines: ["equal: 6 repositories, 23 tags, 33 manifests, 72 blobs, 6 referrers"],
      stderr: "",
    });

    const read = countByDigest(from.exchanges, isBlobRead);
    const byShare = shares.map(blobsOf);
    const bySigned = shares.filter((share) => share.some((line) => signed.includes(nameOf(line)))).length;
    const imageBlobs = new Set(byShare.flatMap((blobs) => [...blobs]));
    expect([...read.keys()]).toEqual(expect.arrayContaining([...imageBlobs]));
    let most = 0;
    for (const [digest, times] of read) {
      const sharing = byShare.filter((blobs) => blobs.has(digest)).length;
      const bound = imageBlobs.has(digest) ? sharing : bySigned;
      expect(times, digest).toBeLessThanOrEqual(bound);
      most += bound;
    }
    expect(countByDigest(to.exchanges, isBlobSent)).toEqual(read);
    const times = [...read.values()].reduce((total, count) => total + count, 0);
    console.log(`${read.size} blobs were read ${times} times; ${most} are the most`);
  });

  test("have the same share when an Indexed Job numbers them, and find it there", async () => {
    from.forget();
    to.forget();
    const ends = ["0", "7"];
    const results = await Promise.all(ends.map((index) => sync("auto/8", { JOB_COMPLETION_INDEX: index })));
    expect(results.map(imagesOf)).toEqual([shares.at(0), shares.at(-1)]);
    expect(from.exchanges.filter(isBlobRead)).toEqual([]);
    expect(to.exchanges.filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
  });

  async function sync(shard: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    const result = await runCli(["mirror", "sync", "-f", file, "--no-lock", "--shard", shard, to.host], {
      env,
    });
    expect(result.status, `${shard}: ${result.stderr}`).toBe(0);
    return result;
  }

  /** The blobs of the images that a share came to. */
  function blobsOf(share: readonly string[]): Set<string> {
    const platforms = share.flatMap((line) => estate.images.get(nameOf(line)) ?? []);
    const blobs = platforms.flatMap(({ made, layers }) => [...layers, ...made.configs]);
    return new Set(blobs.map(({ descriptor }) => descriptor.digest));
  }

  /** `repository:tag` of a line that was printed. */
  function nameOf(line: string): string {
    return line.slice(to.host.length + 1, line.indexOf("@"));
  }
});

function imagesOf({ stdout }: CliResult): string[] {
  return stdout.trim() === "" ? [] : stdout.trim().split("\n");
}

function isBlobRead({ method, path }: Exchange): boolean {
  return method === "GET" && path.includes("/blobs/");
}

function isBlobSent({ method, query }: Exchange): boolean {
  return method === "PUT" && query.has("digest");
}

function countByDigest(
  exchanges: readonly Exchange[],
  matches: (exchange: Exchange) => boolean,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const exchange of exchanges.filter(matches)) {
    const digest = exchange.query.get("digest") ?? exchange.path.slice(exchange.path.lastIndexOf("/") + 1);
    counts.set(digest, (counts.get(digest) ?? 0) + 1);
  }
  return counts;
}
