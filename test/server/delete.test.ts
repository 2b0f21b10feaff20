import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeJson } from "../../src/model/manifest.ts";
import { blob, indexOf, tinyImage } from "../store/layout/tiny-image.ts";
import { testRegistry } from "./registry-client.ts";

describe("deleting", () => {
  it("a tag leaves the manifest and its other tags", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    await registry.pushManifest("app", image.manifest, "2");
    const { digest } = image.manifest.descriptor;
    for (const tag of ["1", "2"]) {
      expect((await registry.ask("DELETE", `app/manifests/${tag}`)).status).toBe(202);
      expect((await registry.ask("HEAD", `app/manifests/${tag}`)).status).toBe(404);
      expect((await registry.ask("HEAD", `app/manifests/${digest}`)).status).toBe(200);
      expect((await registry.ask("DELETE", `app/manifests/${tag}`)).status).toBe(404);
    }
  });

  it("a manifest takes its tags along, and leaves other repositories alone", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    const { digest } = image.manifest.descriptor;
    for (const repository of ["one", "two"]) await registry.pushImage(repository, image, "1");
    expect((await registry.ask("DELETE", `one/manifests/${digest}`)).status).toBe(202);
    for (const reference of ["1", digest]) {
      expect((await registry.ask("HEAD", `one/manifests/${reference}`)).status).toBe(404);
      expect((await registry.ask("HEAD", `two/manifests/${reference}`)).status).toBe(200);
    }
    expect((await registry.ask("DELETE", `one/manifests/${digest}`)).status).toBe(404);
  });

  it("a blob removes it from disk once no repository shows it", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    for (const repository of ["one", "two"]) await registry.pushImage(repository, image, "1");
    const files = () => readdir(join(registry.directory, "blobs", "sha256"));
    const { digest } = image.layer.descriptor;
    expect((await registry.ask("DELETE", `one/blobs/${digest}`)).status).toBe(202);
    expect((await registry.ask("HEAD", `one/blobs/${digest}`)).status).toBe(404);
    expect((await registry.ask("HEAD", `two/blobs/${digest}`)).status).toBe(200);
    expect(await files()).toHaveLength(3);
    expect((await registry.ask("DELETE", `two/blobs/${digest}`)).status).toBe(202);
    expect(await files()).toHaveLength(2);
    expect((await registry.ask("DELETE", `two/blobs/${digest}`)).status).toBe(404);
  });

  it("a tag that was only implied takes it away", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("store", image, "latest");
    const path = join(registry.directory, "index.json");
    const index = JSON.parse(await readFile(path, "utf8")) as { manifests: object[] };
    const manifests = index.manifests.map((entry) => ({ ...entry, annotations: {} }));
    await writeFile(path, JSON.stringify({ ...index, manifests }));
    expect((await registry.ask("DELETE", "store/manifests/latest")).status).toBe(202);
    expect((await registry.ask("HEAD", "store/manifests/latest")).status).toBe(404);
    const { digest } = image.manifest.descriptor;
    expect((await registry.ask("HEAD", `store/manifests/${digest}`)).status).toBe(200);
  });

  it("leaves what another registry over the layout brings back", async () => {
    const registry = await testRegistry();
    const second = await testRegistry({ directory: registry.directory });
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    for (const { descriptor } of [image.layer, image.config])
      await registry.ask("DELETE", `app/blobs/${descriptor.digest}`);
    const { digest } = image.manifest.descriptor;
    await registry.ask("DELETE", `app/manifests/${digest}`);
    await second.pushImage("app", image, "1");
    for (const path of [`manifests/${digest}`, "manifests/1", `blobs/${image.layer.descriptor.digest}`])
      expect((await registry.ask("GET", `app/${path}`)).status).toBe(200);
  });

  it("a referrer takes it from the list, also where an index names it", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    const { mediaType, digest, size } = image.manifest.descriptor;
    const about = blob(
      mediaType,
      encodeJson({
        ...{ schemaVersion: 2, mediaType, config: { ...image.config.descriptor } as never, layers: [] },
        subject: { mediaType, digest, size },
      }),
    );
    await registry.pushManifest("app", about);
    await registry.pushManifest("app", indexOf(about), digest.replace(":", "-"));
    await registry.ask("DELETE", `app/manifests/${about.descriptor.digest}`);
    const response = await registry.ask("GET", `app/referrers/${digest}`);
    expect(await response.json()).toMatchObject({ manifests: [] });
  });

  it("a blob that another registry over the layout shows leaves it alone", async () => {
    const registry = await testRegistry();
    const second = await testRegistry({ directory: registry.directory });
    const image = await tinyImage("one");
    await registry.pushImage("one", image, "1");
    await second.pushImage("two", image, "1");
    const { digest } = image.layer.descriptor;
    expect((await registry.ask("DELETE", `one/blobs/${digest}`)).status).toBe(202);
    expect((await second.ask("GET", `two/blobs/${digest}`)).status).toBe(200);
  });

  it("a blob while a manifest with it is pushed elsewhere lists no manifest without it", async () => {
    const registry = await testRegistry();
    const second = await testRegistry({ directory: registry.directory });
    const image = await tinyImage("one");
    for (const { bytes } of [image.config, image.layer]) {
      await registry.pushBlob("one", bytes);
      await second.pushBlob("two", bytes);
    }
    const { digest } = image.layer.descriptor;
    const [deleted, pushed] = await Promise.all([
      registry.ask("DELETE", `one/blobs/${digest}`),
      second.pushManifest("two", image.manifest, "1"),
    ]);
    expect(deleted.status).toBe(202);
    const blob = await second.ask("HEAD", `two/blobs/${digest}`);
    expect([201, 400]).toContain(pushed.status);
    expect(blob.status).toBe(pushed.status === 201 ? 200 : 404);
  });

  it("and pushing again brings all back", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    const { config, layer, manifest } = image;
    await registry.ask("DELETE", `app/manifests/${manifest.descriptor.digest}`);
    for (const { descriptor } of [config, layer])
      await registry.ask("DELETE", `app/blobs/${descriptor.digest}`);
    expect(await readdir(join(registry.directory, "blobs", "sha256"))).toEqual([]);
    await registry.pushImage("app", image, "1");
    expect((await registry.ask("GET", "app/manifests/1")).status).toBe(200);
    expect((await registry.ask("GET", `app/blobs/${layer.descriptor.digest}`)).status).toBe(200);
  });
});
