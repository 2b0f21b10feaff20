import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { loadMirror } from "../../src/mirror/load-mirror.ts";
import { runMirror } from "../../src/mirror/run-mirror.ts";
import { takeInventory } from "../../src/mirror/take-inventory.ts";
import { verifySite } from "../../src/mirror/verify-site.ts";
import type { FilePlace, MirrorPlace } from "../../src/model/mirror-place.ts";
import type { MirrorPlan } from "../../src/plan/mirror-plan.ts";
import { type MadeImage, makeImage } from "../support/make-image.ts";
import { makeSigned } from "../support/signed-image.ts";
import { pushImage, pushSignedImage, storedOf } from "./fill-site.ts";
import { newPlace, reading, writing } from "./places.ts";

const options = { env: {}, retries: 0 };

const layerOf = (content: string) => ({ files: [{ path: "file", content }] });

/** Images of two repositories with a layer in common, by repository and tag. */
const shared = layerOf("shared");
const before = {
  "base/one": makeImage({ layers: [shared] }),
  "team/app": makeImage({ layers: [shared, layerOf("a")] }),
};
const after = { "base/one": before["base/one"], "team/app": makeImage({ layers: [shared, layerOf("b")] }) };

/** The near side, and the plan that mirrors it. */
async function nearSide(): Promise<{ readonly near: MirrorPlace; readonly plan: MirrorPlan }> {
  const near = await newPlace("registry");
  if (near.transport !== "registry") throw new Error("no registry");
  const repositories = ["base/one", "team/app", "signed"].map((target) => ({
    ...{ place: "mirror.yaml", registry: near.registry, repository: `${near.prefix}/${target}`, target },
    tags: [{ kind: "name", name: "1", place: "mirror.yaml" } as const],
    ...{
      exclude: [],
      digests: [],
      latest: undefined,
      maxAgeMs: undefined,
      platforms: undefined,
      referrers: true,
    },
  }));
  return { near, plan: { repositories, hosts: {} } };
}

async function push(place: MirrorPlace, images: Readonly<Record<string, MadeImage>>): Promise<void> {
  await writing(place, async (site) => {
    for (const [path, image] of Object.entries(images)) {
      await pushImage(site.repository(path), image);
      await site.repository(path).tag(storedOf(image.top), "1", unstoppable);
    }
  });
}

/** Which of the images' content is in a layout or an archive, by digest. */
async function contentOf(place: MirrorPlace): Promise<Set<string>> {
  const repository = (await reading(place)).repository("team/app");
  const content = new Set<string>();
  for (const { layers, configs, top } of [...Object.values(before), ...Object.values(after)]) {
    for (const blob of [...layers, ...configs, top]) {
      const { descriptor } = storedOf(blob);
      if (await repository.exists(descriptor, unstoppable)) content.add(descriptor.digest);
    }
  }
  return content;
}

describe.each(["oci", "oci-archive"] as const)("a delta saved to %s", (kind) => {
  it("leaves out what the receiver has, is whole with it, and brings the receiver up to date", async () => {
    const { near, plan } = await nearSide();
    const far = await newPlace("registry");
    await push(near, before);
    await writing(near, (site) => pushSignedImage(site.repository("signed"), makeSigned(), "1"));
    await runMirror(plan, far, options);
    const have = await takeInventory(await reading(far), {}, unstoppable);
    await push(near, after);

    const delta = await fileOf(kind);
    const saved = await runMirror(plan, delta, { ...options, have });
    expect(saved.faults).toEqual([]);
    expect(saved.images.map(({ image }) => image.target)).toEqual(["base/one", "signed", "team/app"]);
    const [, layer] = after["team/app"].layers;
    const content = await contentOf(delta);
    expect(content).toContain(layer?.descriptor.digest);
    expect(content).not.toContain(before["team/app"].layers[0]?.descriptor.digest);
    expect(content).not.toContain(before["base/one"].configs[0]?.descriptor.digest);

    const alone = await verifySite(await reading(delta), {}, unstoppable);
    expect(alone.faults.length).toBeGreaterThan(0);
    expect((await verifySite(await reading(delta), { have }, unstoppable)).faults).toEqual([]);

    const loaded = await loadMirror(delta, far, options);
    expect(loaded.images.filter(({ isMoved }) => isMoved).map(({ image }) => image.target)).toEqual([
      "team/app",
    ]);
    const expected = { images: saved.images.map(({ image, referrers }) => ({ ...image, referrers })) };
    const found = await verifySite(await reading(far), { expected }, unstoppable);
    expect(found).toMatchObject({ faults: [], images: 3 });
  });

  it("is not loaded where its base is not: nothing is written, and what is missing is named", async () => {
    const { near, plan } = await nearSide();
    const far = await newPlace("registry");
    const empty = await newPlace("registry");
    await push(near, before);
    await writing(near, (site) => pushSignedImage(site.repository("signed"), makeSigned(), "1"));
    await runMirror(plan, far, options);
    const have = await takeInventory(await reading(far), {}, unstoppable);
    await push(near, after);
    const delta = await fileOf(kind);
    await runMirror(plan, delta, { ...options, have });

    const [missing] = before["team/app"].layers;
    await expect(loadMirror(delta, empty, options)).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
      message: expect.stringContaining(missing?.descriptor.digest ?? "none"),
      hint: expect.stringContaining("mirror inventory"),
    });
    expect(await (await reading(empty)).repositories(unstoppable)).toEqual([]);
  });
});

it("a delta brings what was signed since, though the image is the same", async () => {
  const { near, plan } = await nearSide();
  const far = await newPlace("registry");
  const signed = makeSigned();
  await push(near, { ...before, signed: signed.index });
  await runMirror(plan, far, options);
  const have = await takeInventory(await reading(far), {}, unstoppable);
  await writing(near, (site) => pushSignedImage(site.repository("signed"), signed, "1"));
  const delta = await fileOf("oci-archive");
  const saved = await runMirror(plan, delta, { ...options, have });
  await loadMirror(delta, far, options);
  const expected = { images: saved.images.map(({ image, referrers }) => ({ ...image, referrers })) };
  expect(expected.images.flatMap(({ referrers }) => referrers)).not.toEqual([]);
  expect((await verifySite(await reading(far), { expected }, unstoppable)).faults).toEqual([]);
});

async function fileOf(kind: FilePlace["transport"]): Promise<FilePlace> {
  const place = await newPlace(kind);
  if (place.transport === "registry") throw new Error("no file");
  return place;
}
