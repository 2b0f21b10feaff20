import { describe, expect, it } from "vitest";
import { makeImage, pushMade } from "../support/make-image.ts";
import type { Exchange } from "../support/recording-proxy.ts";
import { digestOfMade, imageOf, type MirrorSide, mirror, outcomeOf, startSides } from "./mirror-scene.ts";

const three = `
repositories:
  - {name: NEAR/a, tags: ["1"]}
  - {name: NEAR/b, tags: ["1"]}
  - {name: NEAR/c, tags: ["1"]}
referrers: false
`;
const old = imageOf("old");
const shared = "in all of them";

async function pushThree({ url }: MirrorSide, version: string) {
  const images = ["a", "b", "c"].map((name) => imageOf(shared, `${name} ${version}`));
  const [a, b, c] = images;
  if (a === undefined || b === undefined || c === undefined) throw new Error("no image");
  await pushMade(a, url, "a:1");
  await pushMade(b, url, "b:1");
  await pushMade(c, url, "c:1");
  return { a, b, c };
}

async function tagAt({ url }: MirrorSide, repository: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v2/${repository}/manifests/1`, { method: "HEAD" });
  return answer.headers.get("docker-content-digest") ?? undefined;
}

const isBlobRead = ({ method, path }: Exchange): boolean => method === "GET" && path.includes("/blobs/");

describe("an image that fails", () => {
  it.each([
    ["lacks a blob", "BLOB_NOT_FOUND", (near: MirrorSide, digest: string) => near.lose(digest)],
    [
      "has other bytes than its digest says",
      "DIGEST_MISMATCH",
      async (near: MirrorSide, digest: string) => {
        near.proxy.fault = (exchange) =>
          isBlobRead(exchange) && exchange.path.endsWith(digest)
            ? { kind: "alter", body: (chunk) => Buffer.alloc(chunk.byteLength, "x") }
            : undefined;
      },
    ],
  ])("because it %s keeps its tag where it was, and the others are copied", async (_, code, harm) => {
    const { near, far } = await startSides();
    const { a, b, c } = await pushThree(near, "2");
    await pushMade(old, far.url, "b:1");
    await harm(near, digestOfMade(b.layers[1] ?? b.top));
    const done = await mirror(three, near, far.host);
    expect(outcomeOf(done)).toEqual({ images: ["a:1", "c:1"], faults: [`b:1 ${code}`] });
    expect(await tagAt(far, "a")).toBe(digestOfMade(a.top));
    expect(await tagAt(far, "b")).toBe(digestOfMade(old.top));
    expect(await tagAt(far, "c")).toBe(digestOfMade(c.top));
  });

  it("because its manifest is gone after its tag was asked for is told as such", async () => {
    const { near, far } = await startSides();
    const { b } = await pushThree(near, "2");
    const done = await mirror(three, near, far.host, { onChoice: () => near.lose(digestOfMade(b.top)) });
    expect(outcomeOf(done)).toEqual({ images: ["a:1", "c:1"], faults: ["b:1 MANIFEST_NOT_FOUND"] });
    expect(await tagAt(far, "b")).toBeUndefined();
  });

  it("leaves what it did not bring to the others that want it", async () => {
    const { near, far } = await startSides();
    const { a } = await pushThree(near, "2");
    const layer = digestOfMade(a.layers[0] ?? a.top);
    let isFirst = true;
    near.proxy.fault = (exchange) => {
      if (!isBlobRead(exchange) || !exchange.path.endsWith(layer) || !isFirst) return undefined;
      isFirst = false;
      return { kind: "answer", status: 404 };
    };
    const { images, faults } = outcomeOf(await mirror(three, near, far.host, { jobs: 8 }));
    expect(images).toHaveLength(2);
    expect(faults).toEqual([expect.stringMatching(/^[abc]:1 BLOB_NOT_FOUND$/)]);
    expect(near.asked(isBlobRead).filter((line) => line.endsWith(layer))).toHaveLength(2);
  });

  it("is copied with the next run, and the others are not asked for more than their tags", async () => {
    const { near, far } = await startSides();
    const { b } = await pushThree(near, "2");
    const layer = b.layers[1] ?? b.top;
    await near.lose(digestOfMade(layer));
    await mirror(three, near, far.host);
    await pushMade(b, near.url, "b:1");
    near.proxy.forget();
    const done = await mirror(three, near, far.host);
    expect(outcomeOf(done)).toEqual({ images: ["a:1 (same)", "b:1", "c:1 (same)"], faults: [] });
    expect(near.asked(({ path }) => path.startsWith("/v2/a/"))).toEqual(["HEAD /v2/a/manifests/1"]);
  });
});

describe("a registry that cannot be reached", () => {
  it("at the far side is tried once for all images that come after, and told with one error", async () => {
    const { near, far } = await startSides();
    await pushThree(near, "1");
    await far.proxy.stop();
    const done = await mirror(three, near, far.host, { jobs: 1 });
    expect(outcomeOf(done).faults).toEqual(["a:1 NETWORK", "b:1 NETWORK", "c:1 NETWORK"]);
    expect(new Set(done.faults.map(({ error }) => error)).size).toBe(1);
  }, 15_000);

  it("at the near side keeps nothing from being copied of others", async () => {
    const { near, far } = await startSides();
    await pushThree(near, "1");
    const plan = `
repositories:
  - {name: "127.0.0.1:1/gone", tags: ["1", "2", "3"]}
  - {name: "127.0.0.1:1/more", tags: ["*"]}
  - {name: NEAR/a, tags: ["1"]}
referrers: false
`;
    const done = await mirror(plan, near, far.host, { jobs: 2 });
    expect(outcomeOf(done).images).toEqual(["a:1"]);
    expect(done.faults.map(({ subject }) => subject)).toEqual(
      ["gone:1", "gone:2", "gone:3", "more"].map((name) => `127.0.0.1:1/${name}`),
    );
    expect(new Set(done.faults.map(({ error }) => error)).size).toBe(1);
  });

  it("after a connection was cut is asked again for the next image", async () => {
    const { near, far } = await startSides();
    await pushThree(near, "1");
    far.proxy.fault = ({ method, path }) =>
      method === "HEAD" && path.startsWith("/v2/b/") ? { kind: "reset" } : undefined;
    const done = await mirror(three, near, far.host, { jobs: 1 });
    expect(outcomeOf(done)).toEqual({ images: ["a:1", "c:1"], faults: ["b:1 NETWORK"] });
  });
});

it("credentials that are refused for a tag are not shown again for the others of its repository", async () => {
  const { near, far } = await startSides();
  await pushThree(near, "1");
  near.proxy.fault = ({ path }) => (path.startsWith("/v2/a/") ? { kind: "answer", status: 401 } : undefined);
  const plan = three.replace('a, tags: ["1"]', 'a, tags: ["1", "2", "3"]');
  const done = await mirror(plan, near, far.host, { jobs: 1 });
  expect(outcomeOf(done)).toEqual({
    images: ["b:1", "c:1"],
    faults: ["a:1 UNAUTHORIZED", "a:2 UNAUTHORIZED", "a:3 UNAUTHORIZED"],
  });
  expect(new Set(near.asked(({ path }) => path.startsWith("/v2/a/")))).toEqual(
    new Set(["HEAD /v2/a/manifests/1", "GET /v2/a/manifests/1"]),
  );
});

it("an abort in the middle ends all, and leaves tags whole or where they were", async () => {
  const { near, far } = await startSides();
  await pushThree(near, "1");
  const stop = new AbortController();
  const reason = new Error("stop");
  const { promise: never, resolve: release } = Promise.withResolvers<void>();
  near.proxy.fault = (exchange) => {
    if (!isBlobRead(exchange)) return undefined;
    setImmediate(() => stop.abort(reason));
    return { kind: "hold", until: never };
  };
  await expect(mirror(three, near, far.host, { signal: stop.signal })).rejects.toBe(reason);
  release();
  for (const name of ["a", "b", "c"]) expect(await tagAt(far, name)).toBeUndefined();
});

it("a directory that cannot be written ends the run before anything is copied", async () => {
  const { near } = await startSides();
  await pushThree(near, "1");
  await expect(mirror(three, near, "oci:/dev/null/images")).rejects.toMatchObject({ code: "LOCAL_IO" });
  expect(near.asked(isBlobRead)).toEqual([]);
});

it("as many images as want one layer at once read it once", async () => {
  const { near, far } = await startSides();
  const names = Array.from({ length: 12 }, (_, i) => `${i}`);
  for (const name of names) {
    await pushMade(
      makeImage({ layers: [{ files: [{ path: "f", content: shared }] }], execution: { name } }),
      near.url,
      `many:${name}`,
    );
  }
  const plan = `repositories:\n  - {name: NEAR/many, tags: ["*"]}\nreferrers: false\n`;
  const done = await mirror(plan, near, far.host, { jobs: 12 });
  expect(done.images).toHaveLength(12);
  expect(near.asked(isBlobRead)).toHaveLength(13);
});
