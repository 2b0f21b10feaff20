import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import { parseManifest } from "../../../src/model/manifest.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { run } from "../../support/command.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { describeWith } from "../../support/tools.ts";
import { pushTinyImage, tinyImage } from "./tiny-image.ts";

async function writtenByUs(): Promise<string> {
  const directory = join(await temporaryDirectory("layout"), "ours");
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const image = await tinyImage("hello from a layout");
  await pushTinyImage(layout, image);
  await layout.tag(image.manifest, "v1", unstoppable);
  return directory;
}

describeWith(["umoci"], "umoci", () => {
  it("unpacks a layout we wrote", async () => {
    const directory = await writtenByUs();
    const bundle = join(await temporaryDirectory("bundle"), "bundle");
    await run("umoci", ["unpack", "--rootless", "--image", `${directory}:v1`, bundle]);
    expect(await readFile(join(bundle, "rootfs", "hello"), "utf8")).toBe("hello from a layout");
  });

  it("sees our tags, and we see its own", async () => {
    const directory = await writtenByUs();
    await run("umoci", ["tag", "--image", `${directory}:v1`, "v2"]);
    expect(
      (await run("umoci", ["ls", "--layout", directory])).toString().split("\n").filter(Boolean).sort(),
    ).toEqual(["v1", "v2"]);
    const layout = await openLayout(directory, {}, unstoppable);
    expect([...(await layout.tags(unstoppable))].sort()).toEqual(["v1", "v2"]);
  });

  it("keeps everything of a tagged image when it collects garbage", async () => {
    const directory = await writtenByUs();
    await run("umoci", ["gc", "--layout", directory]);
    const layout = await openLayout(directory, {}, unstoppable);
    const { config, layer } = await tinyImage("hello from a layout");
    for (const { descriptor } of [config, layer])
      expect(await layout.exists(descriptor, unstoppable)).toBe(true);
  });

  it("makes a layout we read and write", async () => {
    const directory = join(await temporaryDirectory("layout"), "theirs");
    await run("umoci", ["init", "--layout", directory]);
    await run("umoci", ["new", "--image", `${directory}:empty`]);
    const layout = await openLayout(directory, { create: true }, unstoppable);
    const { bytes, descriptor } = await layout.manifest({ tag: "empty" }, unstoppable);
    const manifest = parseManifest(bytes, descriptor.mediaType, "theirs");
    if (manifest.kind !== "manifest") throw new Error("not a manifest");
    const config = await collect(await layout.fetch(manifest.config, unstoppable), 100_000, "config");
    expect(JSON.parse(config.toString())).toHaveProperty("rootfs");
    const image = await tinyImage("added");
    await pushTinyImage(layout, image);
    await layout.tag(image.manifest, "ours", unstoppable);
    await run("umoci", ["stat", "--image", `${directory}:ours`]);
  });
});

describeWith(["skopeo"], "skopeo", () => {
  it("copies a layout we wrote, and we read its copy", async () => {
    const directory = await writtenByUs();
    const copy = join(await temporaryDirectory("layout"), "copy");
    await run("skopeo", ["copy", "--insecure-policy", `oci:${directory}:v1`, `oci:${copy}:v1`]);
    const layout = await openLayout(copy, {}, unstoppable);
    const { manifest, layer } = await tinyImage("hello from a layout");
    expect((await layout.soleImage(unstoppable)).digest).toBe(manifest.descriptor.digest);
    const content = await layout.fetch(layer.descriptor, unstoppable);
    expect(await collect(content, 100_000, "layer")).toEqual(layer.bytes);
  });

  it("adds an image to a layout we wrote beside ours", async () => {
    const [directory, other] = [await writtenByUs(), await writtenByUs()];
    await run("skopeo", ["copy", "--insecure-policy", `oci:${other}:v1`, `oci:${directory}:app:2`]);
    const layout = await openLayout(directory, {}, unstoppable);
    expect(await layout.tags(unstoppable)).toEqual(["v1", "app:2"]);
  });
});
