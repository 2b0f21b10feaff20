import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MirrorLock } from "../../src/plan/mirror-plan.ts";
import { makeIndex, pushMade } from "../support/make-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { storedOf } from "./fill-site.ts";
import { digestOfMade, imageOf, load, mirror, outcomeOf, startSides } from "./mirror-scene.ts";

const [one, two] = [imageOf("one"), imageOf("two")];
const pair = makeIndex([one]);

describe("an image that is chosen by its digest", () => {
  const plan = `repositories:\n  - {name: NEAR/app, digests: ["${digestOfMade(one.top)}"]}\n`;

  it("is at a registry by its digest, without a tag", async () => {
    const { near, far } = await startSides();
    await pushMade(one, near.url, "app:1");
    expect((await mirror(plan, near, far.host)).images).toMatchObject([
      { image: { tag: undefined }, isMoved: false },
    ]);
    const answer = await fetch(`${far.url}/v2/app/manifests/${digestOfMade(one.top)}`);
    expect(answer.status).toBe(200);
    expect(far.asked(({ method, path }) => method === "PUT" && path.includes("/manifests/"))).toEqual([
      `PUT /v2/app/manifests/${digestOfMade(one.top)}`,
    ]);
  });

  it.each(["oci", "oci-archive"])("is listed in an %s, and loaded again from there", async (kind) => {
    const { near, far } = await startSides();
    await pushMade(one, near.url, "app:1");
    const file = `${kind}:${join(await temporaryDirectory("digests"), "images")}`;
    await mirror(plan, near, file);
    await mirror(plan, near, file);
    const done = await load(file, far.host);
    expect(done.images).toMatchObject([
      { image: { target: "app", tag: undefined, digest: digestOfMade(one.top) } },
    ]);
    expect((await fetch(`${far.url}/v2/app/manifests/${digestOfMade(one.top)}`)).status).toBe(200);
  });

  it("is a failure of its own where it is not there", async () => {
    const { near, far } = await startSides();
    await pushMade(two, near.url, "app:1");
    const done = await mirror(plan, near, far.host);
    expect(outcomeOf(done)).toEqual({
      images: [],
      faults: [`app@${digestOfMade(one.top)} MANIFEST_NOT_FOUND`],
    });
  });
});

describe("a lock", () => {
  it("brings what the tag named then, asked for by digest alone", async () => {
    const { near, far } = await startSides();
    await pushMade(one, near.url, "app:1");
    const plan = `repositories:\n  - {name: NEAR/app, tags: ["1"]}\nreferrers: false\n`;
    const { digest } = storedOf(one.top).descriptor;
    const of = { registry: near.host, repository: "app", target: "app", referrers: [] };
    const lock: MirrorLock = { images: [{ ...of, tag: "1", digest }] };
    await pushMade(two, near.url, "app:1");
    await mirror(plan, near, far.host, { lock });
    const answer = await fetch(`${far.url}/v2/app/manifests/1`);
    expect(answer.headers.get("docker-content-digest")).toBe(digest);
    expect(near.asked(({ path }) => path.endsWith("/1"))).toEqual([]);
    for (const { proxy } of [near, far]) proxy.forget();
    await mirror(plan, near, far.host, { lock });
    expect(near.asked()).toEqual([`HEAD /v2/app/manifests/${digest}`]);
    expect(far.asked()).toEqual(["HEAD /v2/app/manifests/1"]);
  });
});

describe("a run that changes nothing", () => {
  it.each(["docker tags of one digest", "and of several"])(
    "asks each side for each tag once: %s",
    async (kind) => {
      const { near, far } = await startSides();
      const tags = ["1", "2", "3"];
      for (const tag of tags)
        await pushMade(kind.startsWith("and") ? imageOf(tag) : one, near.url, `app:${tag}`);
      const plan = `repositories:\n  - {name: NEAR/app, tags: ["1", "2", "3"]}\nreferrers: false\n`;
      await mirror(plan, near, far.host);
      for (const { proxy } of [near, far]) proxy.forget();
      const done = await mirror(plan, near, far.host);
      expect(outcomeOf(done).images).toEqual(["app:1 (same)", "app:2 (same)", "app:3 (same)"]);
      const heads = tags.map((tag) => `HEAD /v2/app/manifests/${tag}`);
      expect([near.asked().sort(), far.asked().sort()]).toEqual([heads, heads]);
    },
  );
});

it.each(["all", "linux/amd64"])(
  "each manifest is read once, and nothing asked besides, for platforms %s",
  async (platforms) => {
    const { near, far } = await startSides();
    await pushMade(pair, near.url, "app:1");
    const plan = `repositories:\n  - {name: NEAR/app, tags: ["1"], platforms: ${platforms}}\nreferrers: false\n`;
    await mirror(plan, near, far.host);
    expect(near.asked(({ path }) => path.includes("/manifests/"))).toEqual([
      "HEAD /v2/app/manifests/1",
      `GET /v2/app/manifests/${digestOfMade(pair.top)}`,
      `GET /v2/app/manifests/${digestOfMade(one.top)}`,
    ]);
  },
);

it("a tag that moves at the source is moved at the far side, and nothing else", async () => {
  const { near, far } = await startSides();
  for (const tag of ["1", "2"]) await pushMade(one, near.url, `app:${tag}`);
  const plan = `repositories:\n  - {name: NEAR/app, tags: ["*"]}\n`;
  await mirror(plan, near, far.host);
  await pushMade(two, near.url, "app:2");
  expect(outcomeOf(await mirror(plan, near, far.host)).images).toEqual(["app:1 (same)", "app:2"]);
});

it("what a file maps is where it says", async () => {
  const { near, far } = await startSides();
  for (const name of ["team/app", "team/tool"]) await pushMade(one, near.url, `${name}:1`);
  const plan = `
repositories:
  - {name: NEAR/team/app, tags: ["1"]}
  - {name: NEAR/team/tool, tags: ["1"], as: tools/one}
prefix: hub
`;
  const done = await mirror(plan, near, `${far.host}/mirror`);
  expect(outcomeOf(done).images).toEqual(["hub/team/app:1", "tools/one:1"]);
  expect((await fetch(`${far.url}/v2/mirror/hub/team/app/manifests/1`)).status).toBe(200);
});

it("a dry run writes nothing, and makes no directory", async () => {
  const { near, far } = await startSides();
  await pushMade(one, near.url, "app:1");
  const plan = `repositories:\n  - {name: NEAR/app, tags: ["1"]}\n`;
  const home = await temporaryDirectory("dry");
  await mkdir(join(home, "there"));
  for (const to of [`oci:${home}/images`, `oci-archive:${home}/images.tar`, far.host]) {
    const done = await mirror(plan, near, to, { dryRun: true });
    expect(done).toMatchObject({ images: [{ isMoved: true }], forecast: { copiedBlobs: 2 } });
  }
  expect(await readdir(home)).toEqual(["there"]);
  expect(far.asked(({ method }) => method !== "HEAD" && method !== "GET")).toEqual([]);
});
