import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { pushMade, sha256 } from "../support/make-image.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import type { Registry } from "../support/registry.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { makeSigned, pushSigned, type SignedImage } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoInspect } from "../support/unpack.ts";

/** A registry with a proxy that writes down what it is asked. */
interface Side {
  readonly name: string;
  readonly registry: Registry;
  readonly proxy: RecordingProxy;
  readonly hasApi: boolean;
}

describeWith(["cli", "docker-registry", "skopeo"], "copy", () => {
  const app = makeSigned("app");
  const sides: Side[] = [];

  beforeAll(async () => {
    for (const [name, registry, hasApi] of [
      ["a registry without the referrers API", await startDockerRegistry(), false],
      ["a registry with it", await startEmbeddedRegistry(), true],
    ] as const) {
      const proxy = await startRecordingProxy(registry.url);
      sides.push({ name, registry, proxy, hasApi });
      await pushSigned(app, registry.url, "team/app", "1", !hasApi);
    }
  });
  afterAll(async () => {
    for (const { proxy, registry } of sides) {
      await proxy.stop();
      await registry.stop();
    }
  });

  const sideAt = (i: number): Side => {
    const side = sides[i];
    if (side === undefined) throw new Error("not started");
    return side;
  };
  const copy = async (...args: string[]): Promise<CliResult> => {
    const result = await runCli(["copy", ...args]);
    expect(result.status, result.stderr).toBe(0);
    return result;
  };

  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const title =
      from === 0 ? "without to one with the referrers API" : "with to one without the referrers API";
    test(`from a registry ${title}, everything arrives, skopeo reads it, and a rerun moves nothing`, async () => {
      const [source, target] = [sideAt(from), sideAt(to)];
      const args = [`${source.registry.host}/team/app:1`, `${target.proxy.host}/far/app`];
      const { stdout } = await copy(...args);
      expect(stdout).toBe(`${target.proxy.host}/far/app:1@${app.index.top.descriptor.digest}\n`);
      await expectAll(app, target, "far/app");
      expect(await digestOfTag(target, "far/app", "1")).toBe(app.index.top.descriptor.digest);
      const layout = join(await temporaryDirectory("skopeo"), "layout");
      const far = `docker://${target.registry.host}/far/app:1`;
      await run("skopeo", ["copy", "--all", "--src-tls-verify=false", far, `oci:${layout}:1`]);

      target.proxy.forget();
      await copy(...args);
      expect(target.proxy.exchanges.filter(isMove).map(describeExchange)).toEqual([]);
    });
  }

  test("without referrers an unchanged tag costs one HEAD at either side", async () => {
    const [source, target] = [sideAt(0), sideAt(1)];
    const args = ["--no-referrers", `${source.proxy.host}/team/app:1`, `${target.proxy.host}/plain/app`];
    await copy(...args);
    expect(await referrersAt(target, "plain/app", app.index.top.descriptor.digest)).toEqual([]);
    for (const { proxy } of [source, target]) proxy.forget();
    await copy(...args);
    const asked = (side: Side) =>
      side.proxy.exchanges.filter(({ path }) => path !== "/v2/").map(describeExchange);
    expect(asked(source)).toEqual(["HEAD /v2/team/app/manifests/1"]);
    expect(asked(target)).toEqual(["HEAD /v2/plain/app/manifests/1"]);
  });

  test("one platform is the index's manifest for it, with its own referrers alone", async () => {
    const [source, target] = [sideAt(1), sideAt(0)];
    const child = app.index.children[0]?.descriptor.digest ?? "";
    const from = `${source.registry.host}/team/app:1`;
    await copy("--platform", "linux/amd64", from, `${target.registry.host}/one/app:amd64`);
    expect(await digestOfTag(target, "one/app", "amd64")).toBe(child);
    expect(await referrersAt(target, "one/app", child)).toHaveLength(1);
    expect(await digestOfTag(target, "one/app", app.signature.tag)).toBeUndefined();
  });

  test("all tags go, blobs are mounted within a registry, and what is left of referrers comes along", async () => {
    const { registry, proxy, hasApi, ...rest } = sideAt(0);
    const other = makeSigned("other");
    await pushSigned(app, registry.url, "many/app", "1", !hasApi);
    await pushSigned(other, registry.url, "many/app", "2", !hasApi);
    await pushMade(app.index, registry.url, "many/app:3");
    proxy.forget();
    const { stdout } = await copy("--all-tags", `${proxy.host}/many/app`, `${proxy.host}/far/many`);
    expect(stdout.split("\n").map((line) => line.replace(/@.*/, ""))).toEqual([
      ...["1", "2", "3"].map((tag) => `${proxy.host}/far/many:${tag}`),
      "",
    ]);
    const side = { registry, proxy, hasApi, ...rest };
    await expectAll(app, side, "far/many");
    await expectAll(other, side, "far/many");
    const sent = proxy.exchanges.filter(({ path }) => path.includes("/blobs/"));
    expect(sent.filter(({ requestBytes }) => requestBytes > 0).map(describeExchange)).toEqual([]);
  });

  test("through a layout and an archive nothing is lost", async () => {
    const [source, target] = [sideAt(0), sideAt(1)];
    const home = await temporaryDirectory("copy");
    const [layout, archive] = [`oci:${join(home, "layout")}`, `oci-archive:${join(home, "app.tar")}`];
    await copy(`${source.registry.host}/team/app:1`, layout);
    await copy(layout, archive);
    await copy(`${archive}:1`, `oci:${join(home, "again")}:other`);
    await copy("--all-tags", archive, `${target.registry.host}/out/app`);
    await expectAll(app, target, "out/app");
    expect(await digestOfTag(target, "out/app", "1")).toBe(app.index.top.descriptor.digest);
    const docker = join(home, "docker.tar");
    await copy(
      "--platform",
      "linux/arm64",
      `oci:${join(home, "again")}:other`,
      `docker-archive:${docker}:app:1`,
    );
    const child = app.index.children[1]?.descriptor.digest;
    const { Digest } = await skopeoInspect(`oci-archive:${docker}:1`);
    expect(Digest).toBe(child);
  });

  test("a dry run says what would move, and makes nothing", async () => {
    const directory = join(await temporaryDirectory("copy"), "layout");
    const { stdout } = await copy(
      ...["--dry-run", "--json", `${sideAt(0).registry.host}/team/app:1`, `oci:${directory}`],
    );
    const { forecast }: { forecast: { copiedBlobs: number } } = JSON.parse(stdout);
    const blobs = [app.index, app.signature.artifact, ...app.referrers.map(({ artifact }) => artifact)];
    const digests = blobs.flatMap(({ layers, configs }) => [...layers, ...configs]);
    expect(forecast.copiedBlobs).toBe(new Set(digests.map(({ descriptor }) => descriptor.digest)).size);
    expect(existsSync(directory)).toBe(false);
  });

  async function expectAll(image: SignedImage, side: Side, repository: string): Promise<void> {
    for (const digest of image.digests) {
      const answer = await ask(side, `${repository}/manifests/${digest}`);
      expect(answer.status, `${side.name}: ${digest}`).toBe(200);
      expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(digest);
    }
    for (const { artifact, subject } of image.referrers) {
      const found = await referrersAt(side, repository, subject.descriptor.digest);
      expect(found, side.name).toContain(artifact.top.descriptor.digest);
    }
    const { tag, artifact } = image.signature;
    expect(await digestOfTag(side, repository, tag)).toBe(artifact.top.descriptor.digest);
  }
});

function ask({ registry }: Side, path: string): Promise<Response> {
  const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";
  return fetch(`${registry.url}/v2/${path}`, { headers: { accept } });
}

async function digestOfTag(side: Side, repository: string, tag: string): Promise<string | undefined> {
  const answer = await ask(side, `${repository}/manifests/${tag}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return answer.ok ? sha256(bytes) : undefined;
}

/** As a client finds them: by the API where there is one, else by the fallback tag. */
async function referrersAt(side: Side, repository: string, subject: string): Promise<string[]> {
  const path = side.hasApi ? `referrers/${subject}` : `manifests/${subject.replace(":", "-")}`;
  const answer = await ask(side, `${repository}/${path}`);
  if (!answer.ok) return [];
  const { manifests }: { manifests: { digest: string }[] } = JSON.parse(await answer.text());
  return manifests.map(({ digest }) => digest);
}

/** Whether a request moves anything, or counts as a pull. */
function isMove({ method, path }: Exchange): boolean {
  return method !== "HEAD" && path !== "/v2/" && !path.includes("/referrers/");
}

function describeExchange({ method, path }: Exchange): string {
  return `${method} ${path}`;
}
