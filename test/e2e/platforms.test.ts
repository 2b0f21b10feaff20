import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { blobPath } from "../support/blob-path.ts";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { type MadeImage, makeImage, makeIndex, sha256 } from "../support/make-image.ts";
import type { Exchange } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoCopy } from "../support/unpack.ts";

const platforms = ["linux/arm64", "linux/amd64"] as const;
const architectureOf = (platform: string): string => platform.split("/")[1] ?? "";

const builderFor = (platform: string): MadeImage =>
  makeImage({
    architecture: architectureOf(platform),
    layers: [
      { files: [{ path: "app/" }, { path: "app/shared", content: "the same for all" }] },
      { files: [{ path: "app/binary", content: `for ${platform}`, mode: 0o755 }] },
    ],
    created: "2026-01-02T03:04:05Z",
  });
const baseFor = (platform: string, family: "oci" | "docker" = "oci"): MadeImage =>
  makeImage({
    architecture: architectureOf(platform),
    family,
    layers: [
      {
        files: [
          { path: "srv/", gid: 50 },
          { path: "etc/arch", content: platform },
        ],
      },
    ],
    execution: { Env: ["PATH=/bin"], WorkingDir: "/srv" },
  });

interface IndexDocument {
  readonly mediaType: string;
  readonly manifests: readonly { readonly digest: string; readonly platform: object }[];
}

for (const kind of registryKinds) {
  describeWith([...kind.needs, "skopeo", "cli"], `several platforms with ${kind.name}`, () => {
    let scene: ComposeScene;
    let builder: string;
    let base: string;

    beforeAll(async () => {
      scene = await composeScene(await kind.start());
      builder = await scene.add("builders", makeIndex(platforms.map(builderFor)));
      base = await scene.add("bases", makeIndex([...platforms].reverse().map((name) => baseFor(name))));
    });
    afterAll(() => scene.stop());
    afterEach(() => {
      scene.proxy.fault = undefined;
      scene.proxy.forget();
    });

    const composed = async (changes: ComposeArguments) => {
      const result = await runCli(scene.arguments({ builder, base, directory: "/app:lib", ...changes }));
      expect(result.status, result.stderr).toBe(0);
      return result;
    };
    const manifest = async (repository: string, reference: string): Promise<Buffer> => {
      const accept =
        "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";
      const url = `${scene.registry.url}/v2/scene/${repository}/manifests/${reference}`;
      return Buffer.from(await (await fetch(url, { headers: { accept } })).arrayBuffer());
    };
    const index = async (repository: string, tag: string): Promise<IndexDocument> =>
      JSON.parse((await manifest(repository, tag)).toString());

    test("make an index that skopeo takes as a whole, of the images that each platform makes alone", async () => {
      const files = await temporaryDirectory("platforms");
      const { stdout, stderr } = await composed({
        platform: platforms.join(","),
        tag: `${scene.registry.host}/scene/two:1`,
        "digest-file": join(files, "digest"),
        "metadata-file": join(files, "metadata"),
      });
      const bytes = await manifest("two", "1");
      const digest = sha256(bytes);
      expect(stdout).toBe(`${scene.registry.host}/scene/two@${digest}\n`);
      expect(await readFile(join(files, "digest"), "utf8")).toBe(`${digest}\n`);
      expect(JSON.parse(await readFile(join(files, "metadata"), "utf8"))).toMatchObject({
        "containerimage.digest": digest,
        "containerimage.descriptor": { mediaType: "application/vnd.oci.image.index.v1+json" },
      });
      expect(stderr).toMatch(/^sent [0-9a-f]{12} \(linux\/arm64\) to /m);
      expect(stderr).toMatch(/^linux\/amd64 +new layer /m);

      const layout = await temporaryDirectory("platforms");
      await skopeoCopy(`docker://${scene.registry.host}/scene/two:1`, `oci:${layout}:all`, ["--all"]);
      const { manifests } = await index("two", "1");
      expect(manifests.map(({ platform }) => platform)).toEqual(
        platforms.map((name) => ({ architecture: architectureOf(name), os: "linux" })),
      );
      for (const [i, platform] of platforms.entries()) {
        await composed({ platform, tag: `${scene.registry.host}/scene/one:${i}` });
        const alone = await manifest("one", String(i));
        const child = await readFile(blobPath(layout, manifests[i]?.digest ?? ""));
        expect(child.equals(alone), platform).toBe(true);
      }
    });

    test("with --link download the builders' layers, each once, and no other", async () => {
      const byProxy = (name: string) => `${scene.proxy.host}/${name.slice(name.indexOf("/") + 1)}`;
      await composed({
        builder: byProxy(builder),
        base: byProxy(base),
        platform: "all",
        link: true,
        directory: "/app:/srv/lib",
        tag: `${scene.proxy.host}/scene/linked:1`,
      });
      const images = platforms.flatMap((platform) => [builderFor(platform), baseFor(platform)]);
      const configs = images.flatMap((image) => image.configs.map(({ descriptor }) => descriptor.digest));
      const layers = platforms.flatMap((platform) =>
        builderFor(platform).layers.map(({ descriptor }) => descriptor.digest),
      );
      const isDownload = ({ method, path }: Exchange) => method === "GET" && path.includes("/blobs/sha256:");
      const downloads = scene.proxy.exchanges
        .filter(isDownload)
        .map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
      expect(downloads.sort()).toEqual([...new Set([...configs, ...layers])].sort());
    });

    test("come one after the other with --append-platforms", async () => {
      const tag = `${scene.registry.host}/scene/appended:1`;
      for (const platform of [...platforms].reverse()) {
        await composed({ platform, tag, "append-platforms": true });
      }
      await composed({ platform: "all", tag: `${scene.registry.host}/scene/at-once:1` });
      expect((await manifest("appended", "1")).equals(await manifest("at-once", "1"))).toBe(true);
      await skopeoCopy(`docker://${tag}`, `oci:${await temporaryDirectory("platforms")}:all`, ["--all"]);
    });

    test("end with 4 and the platforms there are where one is missing", () =>
      scene.refused(
        { builder, base, platform: ["linux/amd64", "linux/s390x"] },
        {
          status: 4,
          code: "PLATFORM_NOT_FOUND",
          message: [`base ${base}`, "linux/s390x"],
          hint: "linux/amd64, linux/arm64: choose one with --platform",
        },
      ));

    test("end with 2 where the base's manifests are of two formats", async () => {
      const mixed = await scene.add(
        "mixed",
        makeIndex([baseFor("linux/amd64"), baseFor("linux/arm64", "docker")]),
      );
      await scene.refused(
        { builder, base: mixed, platform: "all" },
        {
          status: 2,
          code: "FORMAT_UNSUPPORTED",
          message: ["linux/amd64 in oci, linux/arm64 in docker"],
          hint: "--format",
        },
      );
    });

    test("end with 4 and the names of manifests that an index names and that are missing", async () => {
      const lost = baseFor("linux/arm64").top.descriptor.digest;
      scene.proxy.fault = ({ path }) =>
        path.endsWith(`/manifests/${lost}`) ? { kind: "answer", status: 404 } : undefined;
      await scene.refused(
        { builder, base: `${scene.proxy.host}/scene/bases:1`, platform: "all" },
        {
          status: 4,
          code: "MANIFEST_NOT_FOUND",
          message: ["base ", `${lost} (linux/arm64)`],
          hint: "push it again",
        },
      );
    });

    test("leave the tag where it was when the index is rejected", async () => {
      scene.proxy.fault = ({ method, path, requestHeaders }) =>
        method === "PUT" &&
        path.includes("/manifests/") &&
        requestHeaders["content-type"]?.includes("index") === true
          ? { kind: "answer", status: 400, body: "no indexes" }
          : undefined;
      await scene.refused(
        { builder, base, directory: "/app:/srv/lib", platform: "all", tag: scene.names.targetByProxy },
        { status: 7, code: "REGISTRY_REJECTED", message: [/target/], hint: /./ },
      );
    });
  });
}
