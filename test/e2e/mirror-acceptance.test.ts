import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOracle } from "../oracle/run-oracle.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { startServe } from "../support/embedded-registry.ts";
import { changeImage, type MirrorEstate, makeEstate, mirrorFile } from "../support/mirror-estate.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoCopy } from "../support/unpack.ts";

const figures = { tags: 23, manifests: 33, blobs: 72, referrers: 6 };
/** An image of each far side that is changed after it was mirrored. */
const changedImages = ["team/worker:1.1", "team/worker:1.2"];
/** Bytes of the layer that comes with the change. */
const changeSize = 20_000_000;

describeWith(["cli", "docker-registry", "python3", "skopeo"], "a mirror of twenty images", () => {
  let near: Registry;
  let nearProxy: RecordingProxy;
  let estate: MirrorEstate;
  let home: string;
  let file: string;

  beforeAll(async () => {
    near = await startDockerRegistry();
    nearProxy = await startRecordingProxy(near.url);
    estate = await makeEstate(near, { withFallback: true });
    home = await temporaryDirectory("mirror-acceptance");
    file = join(home, "mirror.yaml");
    await writeFile(file, mirrorFile({ ...estate, registry: nearProxy }));
  });
  afterAll(async () => {
    await nearProxy.stop();
    await near.stop();
  });

  test("loses nothing by way of an archive that is served", async () => {
    const archive = join(home, "images.tar");
    nearProxy.forget();
    await mirror("save", "-f", file, `oci-archive:${archive}`);
    expectReadOnce(nearProxy.exchanges);
    const served = await startServe(archive);
    await expectEqual(served);
    await served.stop();
  });

  for (const [i, kind] of registryKinds.entries()) {
    const changed = changedImages[i] ?? "";

    describe(`in ${kind.name}`, () => {
      let far: Registry;
      let farProxy: RecordingProxy;

      beforeAll(async () => {
        far = await kind.start();
        farProxy = await startRecordingProxy(far.url);
      });
      afterAll(async () => {
        await farProxy.stop();
        await far.stop();
      });

      test("has all digests and referrers, and skopeo copies from it", async () => {
        nearProxy.forget();
        await mirror("sync", "-f", file, farProxy.host);
        expectReadOnce(nearProxy.exchanges);
        await expectEqual(far);
      });

      test("is asked one HEAD a tag by a run without referrers that finds nothing new, and so is its source", async () => {
        const unsigned = join(home, "unsigned.yaml");
        await writeFile(unsigned, `referrers: false\n${await readFile(file, "utf8")}`);
        nearProxy.forget();
        farProxy.forget();
        const started = performance.now();
        await mirror("sync", "-f", unsigned, "--no-lock", farProxy.host);
        const seconds = (performance.now() - started) / 1000;
        const heads = [...estate.images.keys()].map((name) => `HEAD /v2/${name.replace(":", "/manifests/")}`);
        for (const [side, { exchanges }] of [
          ["source", nearProxy],
          ["destination", farProxy],
        ] as const) {
          expect(requestsOf(exchanges), side).toEqual(heads.sort());
        }
        console.log(
          `unchanged, to ${kind.name}: ${heads.length} HEADs a side, ${seconds.toFixed(2)} s with Node's start`,
        );
      });

      test("gets of a changed layer that layer, and at most 1 % besides", async () => {
        const inventory = join(home, `inventory-${i}.json`);
        await writeFile(inventory, (await mirror("inventory", far.host)).stdout);
        const { layer, config, manifest } = await changeImage(estate, changed, changeSize);
        const delta = `oci-archive:${join(home, `delta-${i}.tar`)}`;
        nearProxy.forget();
        await mirror("save", "-f", file, "--have", inventory, delta);
        const read = requestsOf(nearProxy.exchanges).filter((request) => /^GET .*\/blobs\//.test(request));
        expect(read.map((request) => request.replace(/.*\//, ""))).toEqual(
          [layer.digest, config.digest].sort(),
        );
        const expected = [layer, config, manifest].map(({ digest }) => digest).join(",");
        const { status, lines } = await runOracle("delta", delta, "--expect-blobs", expected);
        expect(status, lines.join("\n")).toBe(0);
        console.log(`delta for ${kind.name}: ${lines.at(-1)}`);

        await mirror("load", delta, far.host);
        await expectEqual(far);
      });

      test("gets nothing of a delta where its base is not, and what is missing is named", async () => {
        const empty = await kind.start();
        const proxy = await startRecordingProxy(empty.url);
        const result = await runCli([
          "mirror",
          "load",
          `oci-archive:${join(home, `delta-${i}.tar`)}`,
          proxy.host,
        ]);
        const missing = estate.images.get("base/os:12")?.[0]?.layers[0]?.descriptor.digest ?? "";
        expect(result.status, result.stderr).toBe(4);
        expect(result.stderr).toContain("nothing was loaded");
        expect(result.stderr).toMatch(/sha256:[0-9a-f]{64} of team\/api:/);
        expect(proxy.exchanges.filter(({ path }) => path.endsWith(missing))).not.toEqual([]);
        expect(proxy.exchanges.filter(({ method }) => method !== "HEAD" && method !== "GET")).toEqual([]);
        const catalog = await fetch(`${empty.url}/v2/_catalog`);
        expect(await catalog.json()).toMatchObject({ repositories: [] });
        await proxy.stop();
        await empty.stop();
      });
    });
  }

  async function mirror(...args: string[]): Promise<CliResult> {
    const result = await runCli(["mirror", ...args, "--quiet"]);
    expect(result.status, result.stderr).toBe(0);
    return result;
  }

  /** Judged by the oracle, and by another program that reads everything of an index and of an image. */
  async function expectEqual(far: Registry): Promise<void> {
    const { lines, stderr } = await runOracle("compare", near.url, far.url);
    expect(stderr).toBe("");
    const { tags, manifests, blobs, referrers } = figures;
    const more = changedImages.filter(
      (name) => (estate.images.get(name)?.[0]?.layers.length ?? 0) > 3,
    ).length;
    expect(lines).toEqual([
      `equal: 6 repositories, ${tags} tags, ${manifests} manifests, ${blobs + more} blobs, ${referrers} referrers`,
    ]);
    for (const name of ["team/app:1.0", "data/db:15"]) {
      const copied = await temporaryDirectory("skopeo");
      await skopeoCopy(`docker://${far.host}/${name}`, `dir:${copied}`, ["--all"]);
    }
  }
});

/** `METHOD PATH` of all but pings, sorted. */
function requestsOf(exchanges: readonly Exchange[]): string[] {
  return exchanges
    .filter(({ path }) => path !== "/v2/")
    .map(({ method, path }) => `${method} ${path}`)
    .sort();
}

/** However many images and repositories share a blob. */
function expectReadOnce(exchanges: readonly Exchange[]): void {
  const read = exchanges
    .filter(({ method, path }) => method === "GET" && path.includes("/blobs/"))
    .map(({ path }) => path.replace(/.*\//, ""));
  expect(read.toSorted()).toEqual([...new Set(read)].sort());
}
