import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { composeArguments } from "../support/compose-scene.ts";
import { type MadeImage, makeImage, makeIndex, pushMade } from "../support/make-image.ts";
import { readImage, tagsOf } from "../support/read-image.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { expectRefusal } from "../support/refusal.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const architectures = ["amd64", "arm64"] as const;
type Architecture = (typeof architectures)[number];

/** A base for each architecture, of which the upper layer is patched. */
const baseOf = (architecture: Architecture, release: string): MadeImage =>
  makeImage({
    architecture,
    layers: [
      { files: [{ path: "etc/" }, { path: `etc/${architecture}` }] },
      {
        files: [
          { path: "srv/", mode: 0o2775, gid: 50 },
          { path: "lib", content: release },
        ],
      },
    ],
    execution: { Env: [`RELEASE=${release}`], Cmd: ["sh"] },
  });
const bases = (release: string) => architectures.map((architecture) => baseOf(architecture, release));
const [oldBases, newBases] = [bases("1"), bases("2")];
const builder = makeImage({
  layers: [{ files: [{ path: "app/" }, { path: "app/server.js", content: "1" }] }],
});
const diffIdsOf = (image: MadeImage | undefined): string[] =>
  JSON.parse(Buffer.from(image?.configs[0]?.bytes ?? []).toString()).rootfs.diff_ids;
const layersOf = (images: readonly MadeImage[]) =>
  images.flatMap(({ layers }) => layers.map(({ descriptor }) => descriptor.digest));

for (const { name, needs, start } of registryKinds) {
  describeWith(["cli", ...needs], `rebase on ${name}`, () => {
    let registry: Registry;
    let proxy: RecordingProxy;

    beforeAll(async () => {
      registry = await start();
      proxy = await startRecordingProxy(registry.url);
      await pushMade(builder, registry.url, "builder:1");
      await pushMade(makeIndex(oldBases), registry.url, "base:1");
      await pushMade(makeIndex(newBases), registry.url, "base:2");
      for (const architecture of architectures) {
        await compose({ tag: at(`app:${architecture}`), platform: `linux/${architecture}` });
      }
      await compose({ tag: at("linked:amd64"), platform: "linux/amd64", link: true });
    }, 60_000);
    afterAll(async () => {
      await proxy.stop();
      await registry.stop();
    });
    beforeEach(() => proxy.forget());

    const at = (reference: string) => `${proxy.host}/${reference}`;
    const direct = (reference: string) => `${registry.host}/${reference}`;

    async function compose(options: Readonly<Record<string, string | true>>): Promise<void> {
      const images = { builder: at("builder:1"), base: at("base:1"), "builder-platform": "linux/amd64" };
      const result = await runCli(composeArguments({ ...images, directory: "/app:/srv/app", ...options }));
      expect(result.status, result.stderr).toBe(0);
    }

    const rebase = (image: string, target: string, ...more: readonly string[]) =>
      runCli(["rebase", at(image), "--new-base", at("base:2"), "--tag", at(target), ...more]);

    /** Digests of the blobs that were downloaded, sorted. */
    const downloads = () =>
      proxy.exchanges
        .filter(({ method, path }) => method === "GET" && path.includes("/blobs/"))
        .map(({ path }) => path.slice(path.indexOf("sha256:")))
        .sort();
    const uploads = () =>
      proxy.exchanges
        .filter(({ method }) => ["PUT", "PATCH"].includes(method))
        .map(({ query }) => query.get("digest"));

    test("of a --link image downloads no layer, and uploads only its configuration", async () => {
      const { status, stderr } = await rebase("linked:amd64", "linked:rebased");
      expect(status, stderr).toBe(0);
      const [before, after] = [
        await readImage(direct("linked:amd64")),
        await readImage(direct("linked:rebased")),
      ];
      const ofLayers = [...layersOf([...oldBases, ...newBases]), before.top.digest];
      expect(downloads().filter((digest) => ofLayers.includes(digest))).toEqual([]);
      expect(uploads().filter((digest) => digest !== null)).toEqual([after.manifest.config.digest]);
      expect(after.manifest.layers.map(({ digest }) => digest)).toEqual([
        ...layersOf(newBases.slice(0, 1)),
        before.top.digest,
      ]);
      expect(after.top.bytes.equals(before.top.bytes)).toBe(true);
      expect(after.config.config).toMatchObject({ Env: ["RELEASE=2"], Cmd: ["sh"] });
      expect(after.manifest.annotations).toMatchObject({
        "org.opencontainers.image.base.name": at("base:2"),
        "org.opencontainers.image.base.digest": makeIndex(newBases).top.descriptor.digest,
      });
    });

    test("of another composed image reads the new base once, and neither its own layer nor the old base", async () => {
      const cache = await temporaryDirectory("rebase-cache");
      const first = await rebase("app:amd64", "app:rebased", "--cache-dir", cache);
      expect(first.status, first.stderr).toBe(0);
      const { top } = await readImage(direct("app:amd64"));
      const watched = [...layersOf([...oldBases, ...newBases]), top.digest];
      const expected = layersOf(newBases.slice(0, 1)).sort();
      expect(downloads().filter((digest) => watched.includes(digest))).toEqual(expected);
      expect(await readdir(first.temporary)).toEqual([]);

      proxy.forget();
      const second = await rebase("app:amd64", "app:rebased", "--cache-dir", cache);
      expect(second.stdout).toBe(first.stdout);
      expect(downloads().filter((digest) => watched.includes(digest))).toEqual([]);
    });

    test("of an index rebases every platform, each onto its own", async () => {
      const children = [];
      for (const architecture of architectures) {
        const child = await readImage(direct(`app:${architecture}`));
        const { mediaType, digest, manifest } = child;
        const answer = await fetch(`${registry.url}/v2/app/manifests/${digest}`, {
          headers: { accept: mediaType },
        });
        const size = (await answer.arrayBuffer()).byteLength;
        children.push({ mediaType, digest, size, platform: { os: "linux", architecture }, manifest });
      }
      const mediaType = "application/vnd.oci.image.index.v1+json";
      const manifests = children.map(({ manifest: _, ...entry }) => entry);
      await fetch(`${registry.url}/v2/app/manifests/index`, {
        method: "PUT",
        headers: { "content-type": mediaType },
        body: JSON.stringify({ schemaVersion: 2, mediaType, manifests }),
      });
      const { status, stdout, stderr } = await rebase("app:index", "app:index-rebased");
      expect(status, stderr).toBe(0);
      expect(stderr).toContain("linux/amd64  sha256:");
      expect(stderr).toContain("linux/arm64  sha256:");
      const headers = { accept: mediaType };
      const answer = await fetch(`${registry.url}/v2/app/manifests/index-rebased`, { headers });
      expect(stdout).toBe(`${at("app")}@${answer.headers.get("docker-content-digest")}\n`);
      const rebased: { manifests: { digest: string }[] } = JSON.parse(await answer.text());
      for (const [i, { digest }] of rebased.manifests.entries()) {
        const image = await readImage(direct(`app@${digest}`));
        expect(image.manifest.layers.map((layer) => layer.digest)).toEqual([
          ...layersOf(newBases.slice(i, i + 1)),
          children[i]?.manifest.layers.at(-1)?.digest,
        ]);
        expect(image.config.architecture).toBe(architectures[i]);
      }
    });

    test("a dry run shows what is kept, dropped and added, and writes nothing", async () => {
      const { status, stdout, stderr } = await rebase("linked:amd64", "linked:never", "--dry-run");
      expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
      const digests = (word: string) =>
        [...stderr.matchAll(new RegExp(`^  ${word} +(sha256:\\S+)`, "gm"))].map(([, d]) => d);
      const [, old] = layersOf(oldBases);
      const [shared, added] = layersOf(newBases);
      expect(digests("kept")).toEqual([shared, (await readImage(direct("linked:amd64"))).top.digest]);
      expect([digests("dropped"), digests("added")]).toEqual([[old], [added]]);
      expect(proxy.exchanges.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
    });

    test.each([
      {
        title: "an old base that is not the image's",
        args: ["--old-base", "base:2"],
        refusal: {
          status: 2,
          code: "BASE_MISMATCH",
          message: [diffIdsOf(newBases[0])[1] ?? "", diffIdsOf(oldBases[0])[1] ?? "", "layer 2"],
          hint: "--old-base",
        },
      },
      {
        title: "a new base without the platform",
        args: ["--new-base", "builder:1", "--platform", "linux/s390x"],
        refusal: { status: 4, code: "PLATFORM_NOT_FOUND", message: ["linux/s390x"], hint: "linux/amd64" },
      },
      {
        title: "a new base that is not there",
        args: ["--new-base", "base:none"],
        refusal: { status: 4, code: "MANIFEST_NOT_FOUND", message: ["new base", "base:none"], hint: /./ },
      },
    ])("$title is refused, and no tag moved", async ({ args, refusal }) => {
      const isReference = (arg: string) => /^[a-z]+:[a-z0-9]+$/.test(arg);
      const tags = await tagsOf(registry.url, "app");
      const result = await rebase(
        "app:amd64",
        "app:never",
        ...args.map((arg) => (isReference(arg) ? at(arg) : arg)),
      );
      await expectRefusal(result, refusal);
      expect(await tagsOf(registry.url, "app")).toEqual(tags);
    });

    test("a layer that does not fit is refused with recompose as the hint", async () => {
      const other = makeImage({ layers: [{ files: [{ path: "srv/", mode: 0o755 }] }] });
      await pushMade(other, registry.url, "base:other");
      const result = await rebase("app:amd64", "app:never", "--new-base", at("base:other"));
      await expectRefusal(result, {
        status: 2,
        code: "REBASE_REFUSED",
        message: [at("app:amd64"), at("base:other"), "/srv is 2775 0:50 in the layer, and is 0755 0:0 there"],
        hint: "compose-image recompose",
      });
      expect(await tagsOf(registry.url, "app")).not.toContain("never");
    });
  });
}
