import { expect, it } from "vitest";
import { parseMirrorFile } from "../../src/frontends/mirror-file/mirror-file.ts";
import { unstoppable } from "../../src/io/call.ts";
import { runMirror } from "../../src/mirror/run-mirror.ts";
import { makeImage } from "../support/make-image.ts";
import { pushImage, storedOf } from "./fill-site.ts";
import { newPlace, writing } from "./places.ts";

it("fails where nothing was chosen and so no archive appears, but for a share of several", async () => {
  const near = await newPlace("registry");
  if (near.transport !== "registry") throw new Error("no registry");
  const old = makeImage({ layers: [{ files: [{ path: "app" }] }], created: "2020-01-01T00:00:00Z" });
  await writing(near, async (site) => {
    await pushImage(site.repository("app"), old);
    await site.repository("app").tag(storedOf(old.top), "1", unstoppable);
  });
  const name = `${near.registry}/${near.prefix}/app`;
  const plan = parseMirrorFile(JSON.stringify({ repositories: [{ name, tags: ["*"], maxAge: "1d" }] }));
  const archive = await newPlace("oci-archive");
  await expect(runMirror(plan, archive, { env: {} })).rejects.toMatchObject({
    code: "MANIFEST_NOT_FOUND",
    message: expect.stringContaining("no image was chosen"),
  });
  const share = await runMirror(plan, archive, { env: {}, shard: { number: 1, count: 2 } });
  expect(share).toMatchObject({ images: [], faults: [] });
  expect(await runMirror(plan, await newPlace("oci"), { env: {} })).toMatchObject({ images: [], faults: [] });
});
