import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TransferEvent } from "../../src/io/transfer.ts";
import type { CopyForecast } from "../../src/ops/copy-forecast.ts";
import { type MadeImage, makeImage, makeIndex, pushMade } from "../support/make-image.ts";
import { makeArtifact } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { digestOfMade, type MirrorSide, mirror, startSides } from "./mirror-scene.ts";

const nothing: CopyForecast = { copiedBlobs: 0, mountedBytes: 0, copiedBytes: 0 };
const repositories = ["a", "b"];
const tags = ["1", "2", "3"];
const plan = `repositories:\n${repositories.map((name) => `  - {name: NEAR/${name}, tags: ["*"]}\n`).join("")}`;

/** A number below `count` that depends on the words alone. */
function pick(count: number, ...words: readonly (string | number)[]): number {
  let hash = 7;
  for (const letter of words.join("/")) hash = (hash * 31 + letter.charCodeAt(0)) % 65_521;
  return hash % count;
}

/** Images that share layers, configurations, children and whole manifests, within and across repositories. */
function imageAt(...words: readonly (string | number)[]): MadeImage {
  const image = (architecture: string, n: number): MadeImage =>
    makeImage({
      layers: Array.from({ length: 1 + pick(3, ...words, n) }, (_, i) => ({
        files: [{ path: "f", content: "x".repeat(100 * (1 + pick(5, ...words, n, i))) }],
      })),
      architecture,
    });
  if (pick(3, ...words, "kind") > 0) return image("amd64", 1);
  return makeIndex([image("amd64", 2), image("arm64", 3)]);
}

async function pushEstate({ url }: MirrorSide, seed: number, share: number): Promise<void> {
  for (const repository of repositories) {
    for (const tag of tags) {
      if (pick(10, seed, repository, tag, "there") >= share) continue;
      // Some images are in several places.
      const made = imageAt(seed, pick(5, seed, repository, tag));
      await pushMade(made, url, `${repository}:${tag}`);
      if (pick(2, seed, repository, tag, "signed") === 0) continue;
      const sbom = makeArtifact("sbom", `${pick(2, seed, tag)}`, made.top);
      await pushMade(sbom, url, `${repository}:tmp`, {}, digestOfMade(sbom.top));
    }
    await pushMade(imageAt(seed, "always"), url, `${repository}:0`);
  }
}

/** What a run sent: manifests are sent by their digests and again by their tags, which costs no more. */
function sentBy(events: readonly TransferEvent[], far: MirrorSide) {
  const blobs = events.filter((event) => event.kind === "finished" && event.direction === "upload");
  const mounted = events.filter((event) => event.kind === "mounted");
  const manifests = new Map<string, number>();
  for (const { method, path, requestBytes } of far.proxy.exchanges) {
    if (method === "PUT" && /\/manifests\/sha256:/.test(path)) manifests.set(path, requestBytes);
  }
  const bytes = (list: readonly TransferEvent[]): number =>
    list.reduce((sum, event) => sum + ("descriptor" in event ? event.descriptor.size : 0), 0);
  return {
    copiedBlobs: blobs.length,
    blobBytes: bytes(blobs),
    mountedBytes: bytes(mounted),
    manifestBytes: [...manifests.values()].reduce((sum, size) => sum + size, 0),
  };
}

const estates: readonly (readonly [seed: number, jobs: number])[] = [
  [3, 1],
  [2, 6],
];

test.each(estates)(
  "what is forecast to a registry is what the run moves (estate %i, %i jobs)",
  async (seed, jobs) => {
    const { near, far } = await startSides();
    await pushEstate(near, seed, 5);
    await mirror(plan, near, far.host);
    await pushEstate(near, seed, 10);
    const dry = await mirror(plan, near, far.host, { dryRun: true, jobs });
    far.proxy.forget();
    const events: TransferEvent[] = [];
    const done = await mirror(plan, near, far.host, { jobs, onTransfer: (event) => events.push(event) });
    expect(done.faults).toEqual([]);
    const { copiedBlobs, blobBytes, mountedBytes, manifestBytes } = sentBy(events, far);
    const moved = { copiedBlobs, mountedBytes, copiedBytes: blobBytes + manifestBytes };
    const sum = ({ copiedBytes, mountedBytes: mounted }: CopyForecast): number => copiedBytes + mounted;
    // Which of two repositories is sent a blob and which one mounts it, hangs on who is first.
    if (jobs === 1) expect(dry.forecast).toEqual(moved);
    else expect(sum(dry.forecast ?? nothing)).toBe(sum(moved));
    expect(dry.images.map(({ isMoved }) => isMoved)).toEqual(done.images.map(({ isMoved }) => isMoved));
    expect(dry.images.map(({ referrers }) => referrers)).toEqual(
      done.images.map(({ referrers }) => referrers),
    );
    const idle = await mirror(plan, near, far.host, { dryRun: true, jobs });
    expect(idle.forecast).toEqual(nothing);
  },
);

/** Bytes of all that a layout holds. */
async function sizeOf(directory: string): Promise<number> {
  const blobs = join(directory, "blobs", "sha256");
  const names = await readdir(blobs).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(blobs, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

test("what is forecast to a directory is what the run writes", async () => {
  const seed = 1;
  const { near } = await startSides();
  await pushEstate(near, seed, 5);
  const directory = join(await temporaryDirectory("forecast"), "images");
  const to = `oci:${directory}`;
  for (const share of [5, 10]) {
    await pushEstate(near, seed, share);
    const before = await sizeOf(directory);
    const dry = await mirror(plan, near, to, { dryRun: true, jobs: 8 });
    expect(await sizeOf(directory)).toBe(before);
    const { figures } = await mirror(plan, near, to, { jobs: 3 });
    expect(dry.forecast).toEqual({
      copiedBlobs: figures.uploadedBlobs,
      mountedBytes: 0,
      copiedBytes: (await sizeOf(directory)) - before,
    });
  }
  expect((await mirror(plan, near, to, { dryRun: true })).forecast?.copiedBytes).toBe(0);
});
