import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runOracle } from "../oracle/run-oracle.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry, startServe } from "../support/embedded-registry.ts";
import { changeImage, type MirrorEstate, makeEstate, mirrorFile } from "../support/mirror-estate.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** What the oracle says of equal sides: of all, of the repositories with referrers, of one. */
const whole = "equal: 6 repositories, 23 tags, 33 manifests, 72 blobs, 6 referrers";
const ofSigned = "equal: 2 repositories, 9 tags, 19 manifests, 37 blobs, 6 referrers";
const ofOne = "equal: 1 repositories, 4 tags, 9 manifests, 18 blobs, 3 referrers";

describeWith(["cli", "docker-registry", "python3"], "a whole estate of images", () => {
  let near: Registry;
  let middle: Registry;
  let far: Registry;
  let estate: MirrorEstate;
  beforeAll(async () => {
    near = await startDockerRegistry();
    [middle, far] = await Promise.all([startEmbeddedRegistry(), startDockerRegistry()]);
    estate = await makeEstate(near, { withFallback: true });
  });
  afterAll(async () => {
    for (const registry of [near, middle, far]) await registry.stop();
  });

  test("loses nothing by way of a registry with the referrers API to one without", async () => {
    const hub = { host: `${middle.host}/hub`, url: `${middle.url}/hub` };
    const signed = ["team/app", "team/api"];
    const named = signed.flatMap((repository) => ["--repository", repository]);
    await Promise.all(
      estate.repositories.map((name) => copyAll(`${near.host}/${name}`, `${hub.host}/${name}`)),
    );
    await Promise.all(signed.map((name) => copyAll(`${hub.host}/${name}`, `${far.host}/${name}`)));
    expect(await judge(near.url, hub.url)).toEqual([whole]);
    expect(await judge(hub.url, far.url, ...named)).toEqual([ofSigned]);
    expect(await judge(near.url, far.url, ...named)).toEqual([ofSigned]);
  });

  test("loses nothing in a layout, nor where that is served", async () => {
    const directory = join(await temporaryDirectory("estate"), "api");
    await copyAll(`${near.host}/team/api`, `oci:${directory}`);
    const served = await startServe(directory);
    const only = ["--repository", "team/api", "--map"];
    const lines = [
      await judge(near.url, directory, ...only, "team/api=."),
      await judge(near.url, served.url, ...only, "team/api=api"),
      await judge(served.url, near.url, "--map", "api=team/api"),
    ];
    await served.stop();
    expect(lines).toEqual([[ofOne], [ofOne], [ofOne]]);
  });

  test("differs by what was changed after", async () => {
    const name = "team/worker:1.1";
    const was = estate.tags.get(name);
    const { layer, config, manifest } = await changeImage(estate, name, 5000);
    expect(await judge(near.url, `${middle.url}/hub`)).toEqual([
      `far: ${name}: the tag is ${was}, and has to be ${manifest.digest}`,
      ...[`manifest ${manifest.digest}`, `blob ${config.digest}`, `blob ${layer.digest}`].map(
        (what) => `far: team/worker: ${what} is missing`,
      ),
      expect.stringMatching(/^4 differences/),
    ]);
  });

  test("is named by a mirror.yaml", () => {
    expect(mirrorFile(estate).split("\n").slice(0, 3)).toEqual([
      "repositories:",
      `  - name: ${near.host}/team/app`,
      '    tags: ["1.0", "1.1", "1.2", "2.0"]',
    ]);
  });

  async function copyAll(from: string, to: string): Promise<void> {
    const { status, stderr } = await runCli(["copy", "--all-tags", "--quiet", from, to]);
    expect(status, stderr).toBe(0);
  }

  async function judge(...args: string[]): Promise<readonly string[]> {
    const { lines, stderr } = await runOracle("compare", ...args);
    expect(stderr).toBe("");
    return lines;
  }
});
