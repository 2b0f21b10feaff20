import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { type ChoiceOptions, chooseImages, type ImageChoice } from "../../src/mirror/choose-images.ts";
import { type Descriptor, describeBytes } from "../../src/model/descriptor.ts";
import type { Digest } from "../../src/model/digest.ts";
import { ComposeImageError, type ErrorCode } from "../../src/model/errors.ts";
import { inShard } from "../../src/plan/shard.ts";
import type { ListedSource, ManifestSelector, StoredManifest } from "../../src/store/source.ts";
import { type MadeBlob, type MadeImage, makeImage, makeIndex } from "../support/make-image.ts";
import { makeArtifact } from "../support/signed-image.ts";
import { storedOf } from "./fill-site.ts";
import { imageOf, planOf } from "./mirror-scene.ts";

const day = 86_400_000;
const now = Date.parse("2024-06-01T00:00:00Z");

/** A repository in memory, and what it was asked. */
class MemorySource implements ListedSource {
  readonly name = "near/app";
  readonly mountOrigin = { registry: "near", repository: "app" };
  readonly asked: string[] = [];
  readonly #images: ReadonlyMap<string, MadeImage>;
  readonly #failures: ReadonlyMap<string, ErrorCode>;
  /** Requests under way at once, most of them so far. */
  most = 0;
  static underWay = 0;

  constructor(
    images: Readonly<Record<string, MadeImage>>,
    failures: Readonly<Record<string, ErrorCode>> = {},
  ) {
    this.#images = new Map(Object.entries(images));
    this.#failures = new Map(Object.entries(failures));
  }

  async resolve(selector: ManifestSelector): Promise<Descriptor> {
    const name = "tag" in selector ? selector.tag : selector.digest;
    await this.#request(`resolve ${name}`);
    const image = this.#images.get(name);
    if (image === undefined)
      throw new ComposeImageError("MANIFEST_NOT_FOUND", `near/app:${name} is not there`);
    return storedOf(image.top).descriptor;
  }

  async manifest(selector: ManifestSelector): Promise<StoredManifest> {
    if ("tag" in selector) throw new Error("manifests are asked for by digest");
    await this.#request("manifest");
    return storedOf(this.#blob(selector.digest));
  }

  async fetch({ digest }: Descriptor) {
    await this.#request("blob");
    const { bytes } = this.#blob(digest);
    return (async function* () {
      yield bytes;
    })();
  }

  async *listTags(): AsyncGenerator<string> {
    await this.#request("list");
    yield* [...this.#images.keys(), ...this.#failures.keys()].filter((name) => name !== "list");
  }

  async find(): Promise<undefined> {
    throw new Error("no tag is looked for");
  }

  async referrers(): Promise<never> {
    throw new Error("no referrers are looked for");
  }

  async #request(what: string): Promise<void> {
    this.asked.push(what);
    MemorySource.underWay += 1;
    this.most = Math.max(this.most, MemorySource.underWay);
    await new Promise((resolve) => setImmediate(resolve));
    MemorySource.underWay -= 1;
    const code = this.#failures.get(what.replace("resolve ", ""));
    if (code !== undefined) throw new ComposeImageError(code, `near/app: ${what} failed`);
  }

  #blob(digest: Digest): MadeBlob {
    const all = [...this.#images.values()].flatMap(({ top, children, configs }) => [
      top,
      ...children,
      ...configs,
    ]);
    const found = all.find(({ descriptor }) => descriptor.digest === digest);
    if (found === undefined)
      throw new ComposeImageError("MANIFEST_NOT_FOUND", `near/app@${digest} is not there`);
    return found;
  }
}

const madeOn = (created: string | undefined, architecture = "amd64"): MadeImage =>
  makeImage({
    layers: [{ files: [{ path: "f", content: `${created}` }] }],
    architecture,
    ...(created !== undefined && { created }),
  });

async function choose(
  keys: string,
  source: ListedSource,
  options: Partial<ChoiceOptions> = {},
): Promise<{ readonly tags: string[]; readonly faults: string[]; readonly choice: ImageChoice }> {
  const plan = planOf(`repositories:\n  - {name: near.example/app, ${keys}}`, { host: "" });
  const choice = await chooseImages(plan, { jobs: 3, now, open: () => source, ...options }, unstoppable);
  return {
    tags: choice.choices.flatMap(({ images }) => images.map(({ tag, digest }) => tag ?? digest)),
    faults: choice.faults.map(({ subject, error }) => `${subject} ${error.code}`),
    choice,
  };
}

describe("tags that are named", () => {
  it("are asked for once each, and nothing is listed", async () => {
    const source = new MemorySource({ a: imageOf("a"), b: imageOf("b"), c: imageOf("c") });
    const { tags, choice } = await choose('tags: ["a", "c"]', source);
    expect(tags).toEqual(["a", "c"]);
    expect(source.asked).toEqual(["resolve a", "resolve c"]);
    expect(choice.choices[0]?.knownTags).toBeUndefined();
    expect(choice.choices[0]?.images[0]).toMatchObject({
      digest: imageOf("a").top.descriptor.digest,
      descriptor: { size: imageOf("a").top.bytes.byteLength },
    });
  });

  it("are failures of their own when they are not there, and the others are chosen", async () => {
    const source = new MemorySource({ a: imageOf("a") });
    const { tags, faults, choice } = await choose('tags: ["a", "gone"]', source);
    expect(tags).toEqual(["a"]);
    expect(faults).toEqual(["near.example/app:gone MANIFEST_NOT_FOUND"]);
    expect(choice.faults[0]?.error.message).not.toMatch(/removed/);
  });
});

describe("patterns", () => {
  it("are matched with the list of tags, which is asked for once", async () => {
    const source = new MemorySource({ "1.0": imageOf("a"), "1.1": imageOf("b"), "2.0": imageOf("c") });
    const { tags, choice } = await choose('tags: [{glob: "1.*"}, {glob: "*.0"}], exclude: ["1.0"]', source);
    expect(tags).toEqual(["1.1", "2.0"]);
    expect(source.asked.filter((what) => what === "list")).toHaveLength(1);
    expect(choice.choices[0]?.knownTags).toEqual(new Set(["1.0", "1.1", "2.0"]));
  });

  it("that match nothing are a failure, and what else is chosen stays", async () => {
    const source = new MemorySource({ a: imageOf("a") });
    const { tags, faults } = await choose('tags: ["a", {glob: "x*"}]', source);
    expect(tags).toEqual(["a"]);
    expect(faults).toEqual(["near.example/app MANIFEST_NOT_FOUND"]);
  });

  it("cannot be matched where the list is refused, which is the one failure; names are asked for", async () => {
    const source = new MemorySource({ a: imageOf("a") }, { list: "DENIED" });
    const { tags, faults, choice } = await choose('tags: ["a", {glob: "x*"}]', source);
    expect(tags).toEqual(["a"]);
    expect(faults).toEqual(["near.example/app DENIED"]);
    expect(choice.choices[0]?.knownTags).toBeUndefined();
  });

  it("say of a tag that is gone after it was listed that it was removed", async () => {
    const source = new MemorySource({ "1": imageOf("a") }, { "2": "MANIFEST_NOT_FOUND" });
    const { tags, choice } = await choose('tags: ["*"]', source);
    expect(tags).toEqual(["1"]);
    expect(choice.faults[0]?.error.message).toMatch(/removed after it had been listed$/);
  });

  it("count the newest alone with latest, and ask for no others", async () => {
    const source = new MemorySource({ "1.9": imageOf("a"), "1.10": imageOf("b"), "1.2": imageOf("c") });
    const { tags } = await choose('tags: ["1.2", {glob: "1.*"}], latest: 1', source);
    expect(tags).toEqual(["1.10", "1.2"]);
    expect(source.asked.sort()).toEqual(["list", "resolve 1.10", "resolve 1.2"]);
  });
});

describe("maxAge", () => {
  it("leaves out what is older, and keeps what is named and what says no time", async () => {
    const source = new MemorySource({
      named: madeOn("2020-01-01T00:00:00Z"),
      old: madeOn("2020-01-02T00:00:00Z"),
      new: madeOn("2024-05-31T00:00:00Z"),
      timeless: madeOn(undefined),
      senseless: madeOn("yesterday"),
      epoch: madeOn("1970-01-01T00:00:00Z"),
      chart: makeArtifact("chart", "chart"),
    });
    const { tags, faults } = await choose('tags: ["named", "*"], maxAge: 30d', source);
    expect(faults).toEqual([]);
    expect(tags).toEqual(["chart", "epoch", "named", "new", "senseless", "timeless"]);
  });

  it("goes by the newest image of an index", async () => {
    const index = (...times: string[]) =>
      makeIndex(times.map((time, i) => madeOn(time, i === 0 ? "amd64" : "arm64")));
    const source = new MemorySource({
      mixed: index("2020-01-01T00:00:00Z", "2024-05-31T00:00:00Z"),
      old: index("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
    });
    expect((await choose('tags: ["*"], maxAge: 30d', source)).tags).toEqual(["mixed"]);
  });

  it("counts from the time it is given, to the millisecond", async () => {
    const source = new MemorySource({ edge: madeOn(new Date(now - 30 * day).toISOString()) });
    expect((await choose('tags: ["*"], maxAge: 30d', source)).tags).toEqual(["edge"]);
    expect((await choose('tags: ["*"], maxAge: 30d', source, { now: now + 1 })).tags).toEqual([]);
  });
});

describe("a lock", () => {
  it("says which images are meant, and nothing is asked of the source", async () => {
    const source = new MemorySource({ a: imageOf("new") });
    const digest = storedOf(imageOf("old").top).descriptor.digest;
    const locked = { registry: "near.example", repository: "app", target: "app", referrers: [] };
    const lock = {
      images: [
        { ...locked, tag: "a", digest },
        { ...locked, tag: undefined, digest },
        { ...locked, repository: "other", tag: "b", digest },
      ],
    };
    const { choice } = await choose('tags: ["a"]', source, { lock });
    expect(choice.choices[0]?.images).toEqual([
      { registry: "near.example", repository: "app", target: "app", tag: "a", digest },
      { registry: "near.example", repository: "app", target: "app", tag: undefined, digest },
    ]);
    expect(source.asked).toEqual([]);
  });
});

describe("shards", () => {
  it("have each image in exactly one, and ask for no others", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const images = Object.fromEntries(names.map((name) => [name, imageOf(name)]));
    const { digest } = describeBytes("", Buffer.from("by digest"));
    const seen: string[] = [];
    for (const number of [1, 2, 3]) {
      const source = new MemorySource(images);
      const shard = { number, count: 3 };
      const { tags } = await choose(`tags: ["*"], digests: ["${digest}"]`, source, { shard });
      expect(source.asked.filter((what) => what !== "list")).toHaveLength(
        tags.filter((tag) => tag !== digest).length,
      );
      for (const tag of tags.filter((one) => one !== digest))
        expect(inShard({ target: "app", tag }, shard)).toBe(true);
      seen.push(...tags);
    }
    expect(seen.sort()).toEqual([...names, digest].sort());
  });
});

it("asks no more at once than it may, of all repositories together", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `t${i}`);
  const images = Object.fromEntries(names.map((name) => [name, imageOf(name)]));
  const repositories = names.map((name) => `  - {name: near.example/${name}, tags: ["*"]}`).join("\n");
  const sources: MemorySource[] = [];
  const open = (): ListedSource => {
    const source = new MemorySource(images);
    sources.push(source);
    return source;
  };
  await chooseImages(
    planOf(`repositories:\n${repositories}`, { host: "" }),
    { jobs: 3, now, open },
    unstoppable,
  );
  expect(sources.flatMap(({ asked }) => asked)).toHaveLength(90);
  expect(Math.max(...sources.map(({ most }) => most))).toBe(3);
});

it("gives choices and failures in the order of the plan", async () => {
  const plan = planOf(
    `repositories:\n${["c", "a", "b"].map((name) => `  - {name: near.example/${name}, tags: ["x2", "x1", "ok"]}`).join("\n")}`,
    { host: "" },
  );
  const open = () => new MemorySource({ ok: imageOf("ok") });
  const { choices, faults } = await chooseImages(plan, { jobs: 9, now, open }, unstoppable);
  expect(choices.map(({ repository }) => repository.target)).toEqual(["c", "a", "b"]);
  expect(faults.map(({ subject }) => subject.slice("near.example/".length))).toEqual(
    ["c", "a", "b"].flatMap((name) => [`${name}:x1`, `${name}:x2`]),
  );
});
