import { expect, onTestFinished, test } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import { unstoppable } from "../../src/io/call.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { formatPlatform } from "../../src/model/platform.ts";
import { type ComposeOptions, compose } from "../../src/ops/compose.ts";
import { startRegistry } from "../../src/server/start-registry.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { readIndex } from "./support/images.ts";
import { putPlatforms } from "./support/platform-images.ts";

const platforms = ["linux/amd64", "linux/arm64", "linux/s390x"];

/** A registry with a builder and a base of three platforms; the builder's lower layer is the same in all. */
async function scene() {
  const directory = await temporaryDirectory("platforms");
  const requests: string[] = [];
  await putPlatforms(directory, "builder:1", platforms);
  await putPlatforms(directory, "base:1", platforms);
  const registry = await startRegistry(
    {
      directory,
      writable: true,
      host: "127.0.0.1",
      port: 0,
      onRequest: ({ method, url }) => requests.push(`${method} ${url}`),
    },
    unstoppable,
  );
  onTestFinished(() => registry.close());
  const host = `127.0.0.1:${registry.port}`;
  const run = async (flags: ComposeFlags, options: ComposeOptions = {}) => {
    requests.length = 0;
    const events: TransferEvent[] = [];
    const plan = parseComposeFlags({
      builder: `${host}/builder:1`,
      base: `${host}/base:1`,
      directory: ["/app:/srv/app"],
      tag: [`${host}/out:1`],
      platform: "all",
      ...flags,
    });
    const result = await compose(plan, { onTransfer: (event) => events.push(event), ...options });
    const layers = new Set(result.images.map(({ layer }) => layer.digest));
    return { result, events, layers };
  };
  const matching = (pattern: RegExp): string[] =>
    requests.flatMap((request) => pattern.exec(request)?.[1] ?? []);
  return { directory, host, run, matching };
}

test("what several platforms share is read once, and of the base nothing with --link", async () => {
  const { run, matching } = await scene();
  const { events } = await run({ link: true });
  const read = matching(/^GET \/v2\/builder\/blobs\/(.*)/);
  expect(read.sort()).toEqual([...new Set(read)].sort());
  // Three configurations, three layers of one platform each, one layer of them all.
  expect(read).toHaveLength(7);
  expect(matching(/^GET \/v2\/base\/blobs\/(.*)/)).toHaveLength(3);

  const told = events.flatMap((event) =>
    event.kind === "finished" && event.direction === "download"
      ? [event.platform === undefined ? "" : formatPlatform(event.platform)]
      : [],
  );
  expect(told.filter((platform) => platform !== "").sort()).toEqual(platforms);
});

test("without --link the base's layers are read once, too", async () => {
  const { run, matching } = await scene();
  await run({ chown: "web" });
  for (const repository of ["builder", "base"]) {
    const read = matching(new RegExp(`^GET /v2/${repository}/blobs/(.*)`));
    expect(read.sort()).toEqual([...new Set(read)].sort());
  }
});

test("a base that the target's registry lacks is sent while it is read, once", async () => {
  const { run, matching } = await scene();
  const other = await startRegistry(
    { directory: await temporaryDirectory("platforms"), writable: true, host: "127.0.0.1", port: 0 },
    unstoppable,
  );
  onTestFinished(() => other.close());
  const { result } = await run({ tag: [`127.0.0.1:${other.port}/out:1`], builderPlatform: "linux/amd64" });
  const read = matching(/^GET \/v2\/base\/blobs\/(.*)/);
  expect(read.sort()).toEqual([...new Set(read)].sort());
  // Three configurations, three layers of one platform each, one layer of them all.
  expect(read).toHaveLength(7);
  expect(result.figures.uploadedBlobs).toBe(4 + 3 + 3);
});

test("a builder for all bases is read once, and its layer made and sent once", async () => {
  const { run, matching } = await scene();
  const { result, layers } = await run({ builderPlatform: "linux/arm64", link: true });
  expect(layers.size).toBe(1);
  expect(matching(/^GET \/v2\/builder\/blobs\/(.*)/)).toHaveLength(3);
  const sent = matching(/^PUT \/v2\/out\/blobs\/uploads\/.*digest=(.*)$/).map(decodeURIComponent);
  expect(sent.sort()).toEqual([...layers, ...result.images.map(({ config }) => config.digest)].sort());
  expect(result.figures.uploadedBlobs).toBe(4);
});

test("a builder for bases that are looked at is read once, and gives each what fits it", async () => {
  const { run, matching } = await scene();
  const { layers } = await run({ builderPlatform: "linux/arm64" }, { jobs: 1, memoryLimit: 0 });
  expect(layers.size).toBe(3);
  expect(matching(/^GET \/v2\/builder\/blobs\/(.*)/)).toHaveLength(3);
});

test("manifests come by their digests before the index, and the index before its tags", async () => {
  const { directory, host, run, matching } = await scene();
  const { result } = await run({ link: true, tag: [`${host}/out:1`, `${host}/out:2`, `${host}/other:1`] });
  const children = result.images.map(({ descriptor }) => descriptor.digest);
  const index = result.descriptor?.digest;
  expect(matching(/^PUT \/v2\/(.*\/manifests\/.*)/)).toEqual([
    ...children.map((digest) => `out/manifests/${digest}`),
    ...children.map((digest) => `other/manifests/${digest}`),
    `out/manifests/${index}`,
    `other/manifests/${index}`,
    "out/manifests/1",
    "out/manifests/2",
    "other/manifests/1",
  ]);
  expect((await readIndex(directory, "out:2")).digest).toBe(index);
});

test("a forecast counts what several platforms share once", async () => {
  const { host, run } = await scene();
  const { result } = await run({}, { dryRun: "plan" });
  const { forecast, kind, platforms: planned, images } = result;
  expect({ kind, images }).toEqual({ kind: "index", images: [] });
  expect(planned.map(formatPlatform)).toEqual(platforms);
  expect(forecast?.reads.map(({ image, layers }) => `${image} ${layers}`)).toEqual([
    `builder ${host}/builder:1 (linux/amd64) 2`,
    `builder ${host}/builder:1 (linux/arm64) 1`,
    `builder ${host}/builder:1 (linux/s390x) 1`,
    `base ${host}/base:1 (linux/amd64) 2`,
    `base ${host}/base:1 (linux/arm64) 1`,
    `base ${host}/base:1 (linux/s390x) 1`,
  ]);
  expect(forecast?.targets).toHaveLength(1);
});
