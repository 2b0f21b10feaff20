import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { takeInventory } from "../../src/mirror/take-inventory.ts";
import { parseMirrorPlace } from "../../src/model/mirror-place.ts";
import { cosignTags } from "../../src/model/referrers.ts";
import { blobPath } from "../support/blob-path.ts";
import { makeIndex, pushMade } from "../support/make-image.ts";
import { makeArtifact, makeSigned, pushSigned } from "../support/signed-image.ts";
import { removeTree, temporaryDirectory } from "../support/temp.ts";
import { pushImage, pushSignedImage, storedOf } from "./fill-site.ts";
import {
  digestOfMade,
  imageOf,
  load,
  type MirrorSide,
  mirror,
  outcomeOf,
  startSides,
} from "./mirror-scene.ts";
import { reading, writing } from "./places.ts";

const [base, app] = [imageOf("base"), imageOf("base", "app")];
const plan = `repositories:\n  - {name: NEAR/base, tags: ["*"]}\n  - {name: NEAR/app, tags: ["*"]}\n`;

async function newFile(name = "images"): Promise<string> {
  return join(await temporaryDirectory("load"), name);
}
const isWrite = ({ method }: { readonly method: string }): boolean => method !== "HEAD" && method !== "GET";

async function inventoryOf(side: MirrorSide) {
  const site = await reading(parseMirrorPlace(side.host));
  return takeInventory(site, { jobs: 2 }, unstoppable);
}

describe("what was saved", () => {
  it.each(["oci", "oci-archive"])(
    "to an %s is loaded with all referrers, and again without a byte",
    async (kind) => {
      const { near, far } = await startSides();
      const signed = makeSigned();
      await pushSigned(signed, near.url, "team/app", "1", false);
      const file = `${kind}:${await newFile()}`;
      const saved = await mirror(`repositories:\n  - {name: NEAR/team/app, tags: ["1"]}\n`, near, file);
      const loaded = await load(file, `${far.host}/hub`);
      expect(outcomeOf(loaded)).toEqual({ images: ["team/app:1"], faults: [] });
      expect(loaded.images[0]?.referrers).toEqual(saved.images[0]?.referrers);
      expect(loaded.images[0]?.referrers).toHaveLength(4);
      for (const digest of signed.digests) {
        expect((await fetch(`${far.url}/v2/hub/team/app/manifests/${digest}`)).status).toBe(200);
      }
      far.proxy.forget();
      expect(outcomeOf(await load(file, `${far.host}/hub`)).images).toEqual(["team/app:1 (same)"]);
      expect(far.asked(isWrite)).toEqual([]);
    },
  );

  it("is loaded from there into another directory, bytes and names the same", async () => {
    const { near } = await startSides();
    await pushSigned(makeSigned(), near.url, "team/app", "1", false);
    const [first, second] = [await newFile(), await newFile()];
    await mirror(`repositories:\n  - {name: NEAR/team/app, tags: ["1"]}\n`, near, `oci:${first}`);
    await load(`oci:${first}`, `oci:${second}`);
    const blobs = (directory: string) => readdir(join(directory, "blobs", "sha256"));
    expect((await blobs(second)).sort()).toEqual((await blobs(first)).sort());
  });
});

describe("where something is in neither place", () => {
  it("nothing is written, and what is missing is named with the image that needs it", async () => {
    const { near, far } = await startSides();
    await pushMade(base, near.url, "base:1");
    await pushMade(app, near.url, "app:1");
    const directory = await newFile();
    await mirror(plan, near, `oci:${directory}`);
    const lost = digestOfMade(app.layers[1] ?? app.top);
    await removeTree(blobPath(directory, lost));
    far.proxy.forget();
    await expect(load(`oci:${directory}`, far.host)).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
      message: expect.stringMatching(
        new RegExp(`^nothing was loaded: 1 manifests and blobs .*${lost} of app:1`),
      ),
      hint: expect.stringMatching(/mirror inventory/),
    });
    expect(far.asked(isWrite)).toEqual([]);
    const other = await newFile("other");
    await expect(load(`oci:${directory}`, `oci:${other}`)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    await expect(readdir(other)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("that is so for referrers, too, of manifests that the receiver has", async () => {
    const { near, far } = await startSides();
    await pushMade(makeIndex([app]), near.url, "app:1");
    const scan = makeArtifact("scan", "scan", app.top);
    const first = await newFile("first");
    await mirror(`repositories:\n  - {name: NEAR/app, tags: ["*"]}\n`, near, `oci:${first}`);
    await load(`oci:${first}`, far.host);
    await pushMade(scan, near.url, "app:tmp", {}, digestOfMade(scan.top));
    const directory = await newFile();
    const have = await inventoryOf(far);
    await mirror(`repositories:\n  - {name: NEAR/app, tags: ["1"]}\n`, near, `oci:${directory}`, { have });
    await removeTree(blobPath(directory, digestOfMade(scan.layers[0] ?? scan.top)));
    far.proxy.forget();
    await expect(load(`oci:${directory}`, far.host)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    expect(far.asked(isWrite)).toEqual([]);
  });

  it("a place without images is told as such", async () => {
    const { near, far } = await startSides();
    const directory = await newFile();
    await pushMade(base, near.url, "base:1");
    await writing({ transport: "oci", directory }, async () => {});
    await expect(load(`oci:${directory}`, far.host)).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      hint: expect.stringMatching(/mirror save/),
    });
  });
});

describe("a delta", () => {
  /** The far side has `base`; the delta brings `app`, which has a layer of it. */
  async function startWithDelta() {
    const { near, far } = await startSides();
    await pushMade(base, near.url, "base:1");
    await mirror(`repositories:\n  - {name: NEAR/base, tags: ["*"]}\n`, near, far.host);
    await pushMade(app, near.url, "app:1");
    const directory = await newFile();
    await mirror(plan, near, `oci:${directory}`, { have: await inventoryOf(far) });
    far.proxy.forget();
    return { far, directory, layer: digestOfMade(base.layers[0] ?? base.top) };
  }

  it("leaves out what the receiver has, which is mounted from where it is", async () => {
    const { far, directory, layer } = await startWithDelta();
    const blobs = (await readdir(join(directory, "blobs", "sha256"))).map((hex) => `sha256:${hex}`);
    expect(blobs).not.toContain(layer);
    const done = await load(`oci:${directory}`, far.host);
    expect(outcomeOf(done)).toEqual({ images: ["app:1", "base:1 (same)"], faults: [] });
    expect(far.asked(({ method, query }) => method === "POST" && query.get("mount") === layer)).toHaveLength(
      1,
    );
    expect((await fetch(`${far.url}/v2/app/blobs/${layer}`)).status).toBe(200);
  });

  it("is read from where it is by a registry that does not mount", async () => {
    const { far, directory, layer } = await startWithDelta();
    far.proxy.fault = ({ method, query }) =>
      method === "POST" && query.has("mount")
        ? { kind: "alter", path: (path) => path.replace(/\?.*$/, "") }
        : undefined;
    expect(outcomeOf(await load(`oci:${directory}`, far.host)).faults).toEqual([]);
    expect(far.asked(({ method, path }) => method === "GET" && path.includes("/blobs/"))).toEqual([
      `GET /v2/base/blobs/${layer}`,
    ]);
  });

  it("is refused by another receiver, with nothing written", async () => {
    const { directory, layer } = await startWithDelta();
    const { far: other } = await startSides();
    await expect(load(`oci:${directory}`, other.host)).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
      message: expect.stringContaining(layer),
    });
    expect(other.asked(isWrite)).toEqual([]);
  });

  it("keeps what has no tag", async () => {
    const { near, far } = await startSides();
    await pushMade(base, near.url, "base:1");
    const text = `repositories:\n  - {name: NEAR/base, digests: ["${digestOfMade(base.top)}"]}\n`;
    const directory = await newFile();
    await mirror(text, near, `oci:${directory}`, { have: await inventoryOf(far) });
    expect((await load(`oci:${directory}`, far.host)).images).toMatchObject([{ image: { target: "base" } }]);
  });
});

describe("the tags of cosign", () => {
  it("come with what they are about, or by themselves where that is not there", async () => {
    const { far } = await startSides();
    const directory = await newFile();
    const [signed, lone] = [makeSigned(), makeArtifact("cosign", "of what is elsewhere")];
    const [tag = ""] = cosignTags(storedOf(app.top).descriptor.digest);
    await writing({ transport: "oci", directory }, async (site) => {
      await pushSignedImage(site.repository("app"), signed, "1");
      await pushImage(site.repository("app"), lone);
      await site.repository("app").tag(storedOf(lone.top), tag, unstoppable);
    });
    const done = await load(`oci:${directory}`, far.host);
    expect(outcomeOf(done)).toEqual({ images: ["app:1", `app:${tag}`].sort(), faults: [] });
    for (const [name, made] of [
      [tag, lone],
      [signed.signature.tag, signed.signature.artifact],
    ] as const) {
      const answer = await fetch(`${far.url}/v2/app/manifests/${name}`);
      expect(answer.headers.get("docker-content-digest")).toBe(digestOfMade(made.top));
    }
  });
});
