import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import { indexOf, pushTinyImage, tinyImage } from "../store/layout/tiny-image.ts";
import { run } from "../support/command.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { testRegistry } from "./registry-client.ts";

const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const copy = (...args: string[]) => run("skopeo", ["--insecure-policy", "copy", ...plain, ...args]);

/** A layout with one image, tagged `v1`, and an index of it, tagged `multi`. */
async function layoutWithImage(): Promise<string> {
  const directory = join(await temporaryDirectory("layout"), "source");
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const image = await tinyImage("through the registry");
  await pushTinyImage(layout, image);
  await layout.tag(image.manifest, "v1", unstoppable);
  await layout.tag(indexOf(image.manifest), "multi", unstoppable);
  return directory;
}

describeWith(["skopeo"], "skopeo", () => {
  it("pushes, inspects, lists, copies between repositories and pulls back", async () => {
    const registry = await testRegistry();
    const host = `${registry.host}:${registry.port}`;
    const source = await layoutWithImage();
    await copy(`oci:${source}:v1`, `docker://${host}/app:1`);
    const { digest } = (await tinyImage("through the registry")).manifest.descriptor;
    const inspected = await run("skopeo", ["inspect", "--tls-verify=false", `docker://${host}/app:1`]);
    expect(JSON.parse(inspected.toString())).toMatchObject({ Digest: digest, RepoTags: ["1"] });
    await copy(`docker://${host}/app:1`, `docker://${host}/team/copy:2`);
    const tags = await run("skopeo", ["list-tags", "--tls-verify=false", `docker://${host}/team/copy`]);
    expect(JSON.parse(tags.toString())).toMatchObject({ Tags: ["2"] });
    const back = join(await temporaryDirectory("layout"), "back");
    await copy(`docker://${host}/team/copy:2`, `oci:${back}:3`);
    const layout = await openLayout(back, {}, unstoppable);
    expect((await layout.resolve({ tag: "3" }, unstoppable)).digest).toBe(digest);
  });

  it("copies whole indexes in and out", async () => {
    const registry = await testRegistry();
    const host = `${registry.host}:${registry.port}`;
    const source = await layoutWithImage();
    await copy("--all", `oci:${source}:multi`, `docker://${host}/app:multi`);
    const back = join(await temporaryDirectory("layout"), "back");
    await copy("--all", `docker://${host}/app:multi`, `oci:${back}:multi`);
    const [before, after] = [
      await openLayout(source, {}, unstoppable),
      await openLayout(back, {}, unstoppable),
    ];
    expect((await after.resolve({ tag: "multi" }, unstoppable)).digest).toBe(
      (await before.resolve({ tag: "multi" }, unstoppable)).digest,
    );
  });

  it("converts to Docker's schema 2 on the way in", async () => {
    const registry = await testRegistry();
    const source = await layoutWithImage();
    await copy(
      "--format",
      "v2s2",
      `oci:${source}:v1`,
      `docker://${registry.host}:${registry.port}/app:docker`,
    );
    const response = await registry.ask("HEAD", "app/manifests/docker");
    expect(response.headers.get("content-type")).toBe("application/vnd.docker.distribution.manifest.v2+json");
  });

  it("deletes an image", async () => {
    const registry = await testRegistry();
    const host = `${registry.host}:${registry.port}`;
    await copy(`oci:${await layoutWithImage()}:v1`, `docker://${host}/app:1`);
    await run("skopeo", ["delete", "--tls-verify=false", `docker://${host}/app:1`]);
    expect((await registry.ask("HEAD", "app/manifests/1")).status).toBe(404);
  });

  it("pulls from a read-only registry over its own layout, which it goes on writing to", async () => {
    const source = await layoutWithImage();
    const registry = await testRegistry({ directory: source, writable: false });
    const host = `${registry.host}:${registry.port}`;
    const back = join(await temporaryDirectory("layout"), "back");
    await copy(`docker://${host}/source:v1`, `oci:${back}:v1`);
    await run("skopeo", ["--insecure-policy", "copy", `oci:${back}:v1`, `oci:${source}:v2`]);
    expect((await registry.ask("HEAD", "source/manifests/v2")).status).toBe(200);
  });
});

describeWith(["skopeo", "umoci"], "umoci", () => {
  it("unpacks from the layout what skopeo pushed to the registry", async () => {
    const registry = await testRegistry();
    await copy(`oci:${await layoutWithImage()}:v1`, `docker://${registry.host}:${registry.port}/store:1`);
    const layout = await openLayout(registry.directory, {}, unstoppable);
    expect(await layout.tags(unstoppable)).toEqual(["store:1"]);
    const { bytes, descriptor } = await layout.manifest({ tag: "store:1" }, unstoppable);
    await layout.tag({ bytes, descriptor }, "plain", unstoppable);
    const bundle = join(await temporaryDirectory("bundle"), "bundle");
    await run("umoci", ["unpack", "--rootless", "--image", `${registry.directory}:plain`, bundle]);
    expect(await readFile(join(bundle, "rootfs", "hello"), "utf8")).toBe("through the registry");
  });
});
