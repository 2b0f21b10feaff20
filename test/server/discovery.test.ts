import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { encodeJson } from "../../src/model/manifest.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import type { StoredManifest } from "../../src/store/source.ts";
import { blob, indexOf, type TinyImage, tinyImage } from "../store/layout/tiny-image.ts";
import { errorCode, testRegistry } from "./registry-client.ts";

describe("listing tags", () => {
  async function withTags(...tags: string[]) {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image);
    for (const tag of tags) await registry.pushManifest("app", image.manifest, tag);
    const list = async (query: string) => {
      const response = await registry.ask("GET", `app/tags/list${query}`);
      const { tags: listed } = (await response.json()) as { tags: string[] };
      return { listed, link: response.headers.get("link") };
    };
    return { registry, list };
  }

  it("gives them in order, whatever their case", async () => {
    const { list } = await withTags("beta", "Alpha", "1.0", "gamma", "alpha");
    expect((await list("")).listed).toEqual(["1.0", "Alpha", "alpha", "beta", "gamma"]);
  });

  it("pages through all of them, each once", async () => {
    const { registry, list } = await withTags("a", "B", "c", "d", "e");
    const seen: string[] = [];
    let query = "?n=2";
    for (;;) {
      const { listed, link } = await list(query);
      seen.push(...listed);
      if (link === null) break;
      const [, next = ""] = /^<(\/v2\/app\/tags\/list\?[^>]+)>; rel="next"$/.exec(link) ?? [];
      query = new URL(next, registry.url).search;
    }
    expect(seen).toEqual(["a", "B", "c", "d", "e"]);
  });

  it("starts behind a tag that need not exist", async () => {
    const { list } = await withTags("a", "b", "d");
    expect(await list("?last=c")).toEqual({ listed: ["d"], link: null });
  });

  it("gives none for n=0, and no link to more", async () => {
    const { list } = await withTags("a");
    expect(await list("?n=0")).toEqual({ listed: [], link: null });
  });

  it("refuses an n that is no number, and an unknown repository", async () => {
    const { registry } = await withTags("a");
    expect((await registry.ask("GET", "app/tags/list?n=-1")).status).toBe(400);
    const unknown = await registry.ask("GET", "other/tags/list");
    expect([unknown.status, await errorCode(unknown)]).toEqual([404, "NAME_UNKNOWN"]);
  });
});

describe("the catalog", () => {
  it("lists the repositories with a manifest, by pages", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    for (const repository of ["c", "a/b", "b"]) await registry.pushImage(repository, image, "1");
    await registry.pushBlob("only/a/blob", Buffer.from("x"));
    expect(await (await registry.ask("GET", "_catalog")).json()).toEqual({ repositories: ["a/b", "b", "c"] });
    const page = await registry.ask("GET", "_catalog?n=1");
    expect(page.headers.get("link")).toBe('</v2/_catalog?n=1&last=a%2Fb>; rel="next"');
  });
});

describe("referrers", () => {
  function artifact(subject: StoredManifest, image: TinyImage, artifactType?: string): StoredManifest {
    const { mediaType, digest, size } = subject.descriptor;
    return blob(
      mediaTypes.oci.manifest,
      encodeJson({
        schemaVersion: 2,
        mediaType: mediaTypes.oci.manifest,
        ...(artifactType !== undefined && { artifactType }),
        config: { ...image.config.descriptor } as never,
        layers: [],
        subject: { mediaType, digest, size },
        annotations: { of: artifactType ?? "none" },
      }),
    );
  }

  it("lists the manifests whose subject is the digest, by type when asked", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    const [signature, bill, plain] = [
      artifact(image.manifest, image, "application/vnd.example.signature"),
      artifact(image.manifest, image, "application/vnd.example.sbom"),
      artifact(image.manifest, image),
    ];
    for (const manifest of [signature, bill, plain]) {
      const response = await registry.pushManifest("app", manifest);
      expect(response.headers.get("oci-subject")).toBe(image.manifest.descriptor.digest);
    }
    const path = `app/referrers/${image.manifest.descriptor.digest}`;
    const all = await registry.ask("GET", path);
    expect(all.headers.get("content-type")).toBe(mediaTypes.oci.index);
    expect(all.headers.get("oci-filters-applied")).toBeNull();
    const descriptor = (manifest: StoredManifest, artifactType: string, of: string) => ({
      ...manifest.descriptor,
      artifactType,
      annotations: { of },
    });
    expect(await all.json()).toEqual({
      schemaVersion: 2,
      mediaType: mediaTypes.oci.index,
      manifests: [
        descriptor(signature, "application/vnd.example.signature", "application/vnd.example.signature"),
        descriptor(bill, "application/vnd.example.sbom", "application/vnd.example.sbom"),
        descriptor(plain, mediaTypes.oci.config, "none"),
      ],
    });
    const filtered = await registry.ask("GET", `${path}?artifactType=application/vnd.example.sbom`);
    expect(filtered.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(await filtered.json()).toMatchObject({ manifests: [{ digest: bill.descriptor.digest }] });
  });

  it("may come before their subject, and are of their repository alone", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushBlob("app", image.config.bytes);
    const signature = artifact(image.manifest, image, "application/vnd.example.signature");
    expect((await registry.pushManifest("app", signature)).status).toBe(201);
    await registry.pushImage("app", image, "1");
    await registry.pushImage("other", image, "1");
    const referrers = async (repository: string) => {
      const response = await registry.ask(
        "GET",
        `${repository}/referrers/${image.manifest.descriptor.digest}`,
      );
      return ((await response.json()) as { manifests: unknown[] }).manifests;
    };
    expect(await referrers("app")).toHaveLength(1);
    expect(await referrers("other")).toEqual([]);
  });

  it("are an empty index where there are none, and 400 for what is no digest", async () => {
    const { ask } = await testRegistry();
    const none = await ask("GET", `nobody/referrers/${digestOf(Buffer.from("x"))}`);
    expect(none.status).toBe(200);
    expect(await none.json()).toMatchObject({ manifests: [] });
    expect((await ask("GET", "nobody/referrers/latest")).status).toBe(400);
  });

  it("are listed again once a manifest that the layout lacked is pushed", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    const signature = artifact(image.manifest, image, "a/b");
    await registry.pushManifest("app", signature);
    await rm(join(registry.directory, "blobs", signature.descriptor.digest.replace(":", "/")));
    const second = await testRegistry({ directory: registry.directory });
    const path = `app/referrers/${image.manifest.descriptor.digest}`;
    expect(await (await second.ask("GET", path)).json()).toMatchObject({ manifests: [] });
    await second.pushManifest("app", signature);
    expect(await (await second.ask("GET", path)).json()).toMatchObject({
      manifests: [{ artifactType: "a/b" }],
    });
  });

  it("are found where only an index with a fallback tag lists them", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    const signature = artifact(image.manifest, image, "a/b");
    await registry.pushManifest("app", signature);
    const { digest } = image.manifest.descriptor;
    await registry.pushManifest("app", indexOf(signature), digest.replace(":", "-"));
    const path = join(registry.directory, "index.json");
    const index = JSON.parse(await readFile(path, "utf8")) as { manifests: { digest: string }[] };
    const manifests = index.manifests.filter((entry) => entry.digest !== signature.descriptor.digest);
    expect(manifests).toHaveLength(2);
    await writeFile(path, JSON.stringify({ ...index, manifests }));
    const response = await registry.ask("GET", `app/referrers/${digest}`);
    expect(await response.json()).toMatchObject({ manifests: [{ digest: signature.descriptor.digest }] });
  });

  it("are found for children of an index as well", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image);
    await registry.pushManifest("app", indexOf(image.manifest), "1");
    await registry.pushManifest("app", artifact(image.manifest, image, "a/b"));
    const response = await registry.ask("GET", `app/referrers/${image.manifest.descriptor.digest}`);
    expect(await response.json()).toMatchObject({ manifests: [{ artifactType: "a/b" }] });
  });
});
