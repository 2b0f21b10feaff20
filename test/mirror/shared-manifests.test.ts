import { expect, it, onTestFinished } from "vitest";
import { parseMirrorFile } from "../../src/frontends/mirror-file/mirror-file.ts";
import { unstoppable } from "../../src/io/call.ts";
import { runMirror } from "../../src/mirror/run-mirror.ts";
import { parseMirrorPlace } from "../../src/model/mirror-place.ts";
import { makeImage, makeIndex } from "../support/make-image.ts";
import { startRecordingProxy } from "../support/recording-proxy.ts";
import { pushImage, storedOf } from "./fill-site.ts";
import { newPlace, writing } from "./places.ts";

it("writes a manifest that images of a repository share once, beside what tags it", async () => {
  const [near, far] = [await newPlace("registry"), await newPlace("registry")];
  if (near.transport !== "registry" || far.transport !== "registry") throw new Error("no registry");
  const children = ["amd64", "arm64"].map((architecture) =>
    makeImage({ layers: [{ files: [{ path: "app", content: architecture }] }], architecture }),
  );
  const index = makeIndex(children);
  const tags = ["1", "1.0", "1.0.0", "latest"];
  await writing(near, async (site) => {
    const app = site.repository("app");
    await pushImage(app, index);
    for (const tag of tags) await app.tag(storedOf(index.top), tag, unstoppable);
  });
  const proxy = await startRecordingProxy(`http://${far.registry}`);
  onTestFinished(() => proxy.stop());
  const name = `${near.registry}/${near.prefix}/app`;
  const plan = parseMirrorFile(JSON.stringify({ repositories: [{ name, tags, as: "app" }] }));
  const done = await runMirror(plan, parseMirrorPlace(proxy.host), { env: {}, jobs: 8 });
  expect(done.faults).toEqual([]);
  const written = proxy.exchanges.filter(({ method }) => method === "PUT").map(({ path }) => path);
  const digests = [index.top, ...index.children].map(({ descriptor }) => descriptor.digest);
  expect(written.filter((path) => path.includes("/manifests/")).sort()).toEqual(
    [...digests, ...tags].map((each) => `/v2/app/manifests/${each}`).sort(),
  );
});
