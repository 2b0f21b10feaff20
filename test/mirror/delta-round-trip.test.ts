import { expect, it } from "vitest";
import { parseMirrorFile } from "../../src/frontends/mirror-file/mirror-file.ts";
import { unstoppable } from "../../src/io/call.ts";
import { loadMirror } from "../../src/mirror/load-mirror.ts";
import { runMirror } from "../../src/mirror/run-mirror.ts";
import { takeInventory } from "../../src/mirror/take-inventory.ts";
import type { FilePlace, MirrorPlace } from "../../src/model/mirror-place.ts";
import { makeImage } from "../support/make-image.ts";
import { makeArtifact, makeSigned } from "../support/signed-image.ts";
import { attachTo, pushImage, pushSignedImage, storedOf } from "./fill-site.ts";
import { newPlace, reading, writing } from "./places.ts";

it("brings what was said later of a referrer that the receiver has", async () => {
  const [near, far] = [await newPlace("registry"), await newPlace("registry")];
  const image = makeSigned();
  await writing(near, (site) => pushSignedImage(site.repository("team/app"), image, "1.0"));
  await carry(near, far, ["team/app"]);
  const seals = image.referrers.map(({ artifact }) => makeArtifact("seal", "later", artifact.top));
  await writing(near, async (site) => {
    for (const [i, seal] of seals.entries()) {
      const subject = image.referrers[i]?.artifact.top;
      if (subject !== undefined) await attachTo(site.repository("team/app"), seal, subject);
    }
  });
  await carryDelta(near, far, ["team/app"]);
  const { repositories } = await inventoryOf(far);
  const digests = new Set(repositories.flatMap(({ manifests }) => [...manifests.keys()]));
  for (const { top } of seals) expect(digests).toContain(top.descriptor.digest);
});

it("mounts what two new repositories share from the third that the receiver has it in", async () => {
  const [near, far] = [await newPlace("registry"), await newPlace("registry")];
  const shared = { files: [{ path: "etc/os", content: "made\n" }] };
  const images = ["base", "one", "two"].map((content) =>
    makeImage({ layers: [shared, { files: [{ path: "app", content }] }] }),
  );
  const paths = ["zebra/base", "team/one", "team/two"];
  await writing(near, async (site) => {
    for (const [i, image] of images.entries()) {
      const repository = site.repository(paths[i] ?? "");
      await pushImage(repository, image);
      await repository.tag(storedOf(image.top), "1", unstoppable);
    }
  });
  await carry(near, far, ["zebra/base"]);
  expect((await carryDelta(near, far, paths)).faults).toEqual([]);
  expect((await inventoryOf(far)).repositories.map(({ path, tags }) => [path, tags.size])).toEqual(
    paths.toSorted().map((path) => [path, 1]),
  );
});

/** Saves repositories, with all their tags, and loads them. */
async function carry(near: MirrorPlace, far: MirrorPlace, paths: readonly string[]) {
  return loadMirror(await save(near, paths), far, { env: {} });
}

/** The same with what the receiver has left out. */
async function carryDelta(near: MirrorPlace, far: MirrorPlace, paths: readonly string[]) {
  return loadMirror(await save(near, paths, await inventoryOf(far)), far, { env: {} });
}

async function save(
  near: MirrorPlace,
  paths: readonly string[],
  have?: Awaited<ReturnType<typeof inventoryOf>>,
): Promise<FilePlace> {
  if (near.transport !== "registry") throw new Error("no registry");
  const { registry, prefix } = near;
  const repositories = paths.map((path) => ({
    name: `${registry}/${prefix}/${path}`,
    tags: ["*"],
    as: path,
  }));
  const place = await newPlace("oci-archive");
  if (place.transport === "registry") throw new Error("no file");
  const plan = parseMirrorFile(JSON.stringify({ repositories }));
  const { faults } = await runMirror(plan, place, { env: {}, have });
  expect(faults).toEqual([]);
  return place;
}

async function inventoryOf(place: MirrorPlace) {
  return takeInventory(await reading(place), {}, unstoppable);
}
