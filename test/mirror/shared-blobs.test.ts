import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pushMade } from "../support/make-image.ts";
import type { Exchange } from "../support/recording-proxy.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { imageOf, type MirrorSide, mirror, outcomeOf, startSides } from "./mirror-scene.ts";

const estate = `
repositories:
  - {name: NEAR/a, tags: ["1", "2"]}
  - {name: NEAR/b, tags: ["1"]}
  - {name: NEAR/c, tags: ["1"]}
referrers: false
`;

/** Four images in three repositories: one layer is in all of them, another one in two. */
async function pushEstate({ url }: MirrorSide): Promise<number> {
  await pushMade(imageOf("all", "two", "a1"), url, "a:1");
  await pushMade(imageOf("all", "a2"), url, "a:2");
  await pushMade(imageOf("all", "two", "b1"), url, "b:1");
  await pushMade(imageOf("all", "c1"), url, "c:1");
  return 6 + 4;
}

const isBlobRead = ({ method, path }: Exchange): boolean => method === "GET" && path.includes("/blobs/");
const isMount = ({ method, query }: Exchange): boolean => method === "POST" && query.has("mount");

const digests = (asked: readonly string[]): string[] => asked.map((line) => line.replace(/^.*\//, "")).sort();

test.each([1, 16])(
  "each blob is read once by %i jobs, and mounted where it is wanted again",
  async (jobs) => {
    const { near, far } = await startSides();
    const blobs = await pushEstate(near);
    const done = await mirror(estate, near, far.host, { jobs });
    expect(outcomeOf(done)).toEqual({ images: ["a:1", "a:2", "b:1", "c:1"], faults: [] });
    const read = digests(near.asked(isBlobRead));
    expect(read).toHaveLength(blobs);
    expect(new Set(read).size).toBe(blobs);
    // The layer of all is wanted in two more repositories, the other one in one.
    expect(far.asked(isMount)).toHaveLength(3);
    expect(done.figures).toMatchObject({ uploadedBlobs: blobs, mountedBlobs: 3 });
  },
);

test("a far side that mounts nothing gets it from where it has it", async () => {
  const { near, far } = await startSides();
  const blobs = await pushEstate(near);
  far.proxy.fault = (exchange) =>
    isMount(exchange) ? { kind: "alter", path: (path) => path.replace(/\?.*$/, "") } : undefined;
  const done = await mirror(estate, near, far.host);
  expect(outcomeOf(done).faults).toEqual([]);
  expect(new Set(near.asked(isBlobRead)).size).toBe(blobs);
  expect(near.asked(isBlobRead)).toHaveLength(blobs);
  expect(far.asked(isBlobRead)).toHaveLength(3);
  far.proxy.fault = undefined;
  expect(outcomeOf(await mirror(estate, near, far.host)).images).toEqual(
    ["a:1", "a:2", "b:1", "c:1"].map((name) => `${name} (same)`),
  );
});

test("what may not be read at the far side comes from its source once more", async () => {
  const { near, far } = await startSides();
  const blobs = await pushEstate(near);
  far.proxy.fault = (exchange) => {
    if (isMount(exchange)) return { kind: "alter", path: (path) => path.replace(/\?.*$/, "") };
    return isBlobRead(exchange) ? { kind: "answer", status: 403 } : undefined;
  };
  expect(outcomeOf(await mirror(estate, near, far.host)).faults).toEqual([]);
  expect(near.asked(isBlobRead)).toHaveLength(blobs + 3);
});

test("the repositories of a layout share what is in it", async () => {
  const { near } = await startSides();
  const blobs = await pushEstate(near);
  const directory = join(await temporaryDirectory("shared"), "images");
  const done = await mirror(estate, near, `oci:${directory}`, { jobs: 16 });
  expect(outcomeOf(done).faults).toEqual([]);
  expect(near.asked(isBlobRead)).toHaveLength(blobs);
  expect(await readdir(join(directory, "blobs", "sha256"))).toHaveLength(blobs + 4);
});
