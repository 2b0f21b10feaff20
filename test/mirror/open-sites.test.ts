import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { collect } from "../../src/io/collect.ts";
import { Sites } from "../../src/mirror/open-sites.ts";
import { isDigest } from "../../src/model/digest.ts";
import { type MirrorPlace, parseMirrorPlace } from "../../src/model/mirror-place.ts";
import { cosignTags } from "../../src/model/referrers.ts";
import { platformsAnnotation } from "../../src/store/layout/kept-platforms.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import type { Target } from "../../src/store/target.ts";
import { describeReferrerContract } from "../contract/referrer-contract.ts";
import { describeStoreContract } from "../contract/store-contract.ts";
import { startForTest } from "../store/registry/open-for-test.ts";
import { makeImage } from "../support/make-image.ts";
import { makeArtifact, makeSigned, type SignedImage } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { pushImage, pushSignedImage, storedOf } from "./fill-site.ts";
import { newPlace, reading, serve, siteKinds, writing } from "./places.ts";

describe.each(siteKinds)("a site that is a place of kind %s", (kind) => {
  it("gives back two repositories, with all about their images, to another opening of it", async () => {
    const place = await newPlace(kind);
    const [app, tool] = [makeSigned("app"), makeSigned("tool")];
    const alone = makeImage({ layers: [{ files: [{ path: "alone", content: "1" }] }] });
    await writing(place, async (site) => {
      await pushSignedImage(site.repository("team/app"), app, "1.0");
      await pushSignedImage(site.repository("tool"), tool, "1.0");
      await pushSignedImage(site.repository("tool"), app, "app");
      await pushImage(site.repository("tool"), alone);
      await site.repository("tool").keep?.(storedOf(alone.top), unstoppable);
    });
    const site = await reading(place);
    expect(await site.repositories(unstoppable)).toEqual(["team/app", "tool"]);
    expect((await tagsOf(site.repository("team/app"))).sort()).toEqual(["1.0", app.signature.tag].sort());
    expect((await tagsOf(site.repository("tool"))).sort()).toEqual(
      ["1.0", "app", app.signature.tag, tool.signature.tag].sort(),
    );
    await expectSigned(site.repository("team/app"), app, "1.0");
    await expectSigned(site.repository("tool"), tool, "1.0");
    await expectSigned(site.repository("tool"), app, "app");
    const { digest } = storedOf(tool.index.top).descriptor;
    expect(await site.repository("team/app").referrers(digest, unstoppable)).toEqual([]);
    expect(
      (await site.repository("tool").manifest(storedOf(alone.top).descriptor, unstoppable)).bytes,
    ).toEqual(Buffer.from(alone.top.bytes));
  });

  it("moves a tag of one repository alone, and what had it is found by its digest still", async () => {
    const place = await newPlace(kind);
    const [one, two] = ["1", "2"].map((content) =>
      makeImage({ layers: [{ files: [{ path: "f", content }] }] }),
    );
    if (one === undefined || two === undefined) throw new Error("no image");
    await writing(place, async (site) => {
      for (const made of [one, two]) {
        await pushImage(site.repository("a"), made);
        await site.repository("a").tag(storedOf(made.top), "latest", unstoppable);
      }
      await pushImage(site.repository("b"), one);
      await site.repository("b").tag(storedOf(one.top), "latest", unstoppable);
    });
    const site = await reading(place);
    const found = async (path: string) => (await site.repository(path).find("latest", unstoppable))?.digest;
    expect(await found("a")).toBe(two.top.descriptor.digest);
    expect(await found("b")).toBe(one.top.descriptor.digest);
    const { digest } = storedOf(one.top).descriptor;
    expect((await site.repository("a").resolve({ digest }, unstoppable)).digest).toBe(digest);
  });

  it("says which tags there are where one is asked for that is not", async () => {
    const place = await newPlace(kind);
    await writing(place, (site) => pushSignedImage(site.repository("team/app"), makeSigned(), "1.0"));
    const site = await reading(place);
    const missing = { code: "MANIFEST_NOT_FOUND" };
    await expect(site.repository("team/app").resolve({ tag: "2.0" }, unstoppable)).rejects.toMatchObject(
      missing,
    );
    await expect(tagsOf(site.repository("other"))).rejects.toMatchObject(missing);
  });
});

describe.each(["oci", "oci-archive"] as const)("the repositories that live in one %s", (kind) => {
  it("are those that serve shows, each with its tags and referrers", async () => {
    const place = await newPlace(kind);
    const [app, tool] = [makeSigned("app"), makeSigned("tool")];
    await writing(place, async (site) => {
      await pushSignedImage(site.repository("team/app"), app, "1.0");
      await pushSignedImage(site.repository("tool"), tool, "1.0");
    });
    const served =
      place.transport === "oci"
        ? { directory: place.directory, writable: false }
        : { archive: place.transport === "oci-archive" ? place.file : "" };
    const site = await reading(parseMirrorPlace(await serve(served)));
    expect(await site.repositories(unstoppable)).toEqual(["team/app", "tool"]);
    await expectSigned(site.repository("team/app"), app, "1.0");
    await expectSigned(site.repository("tool"), tool, "1.0");
  });

  it("give the same bytes whatever the order of their tags and referrers", async () => {
    const [app, tool] = [makeSigned("app"), makeSigned("tool")];
    const written = async (images: readonly SignedImage[], names: readonly string[]): Promise<string> => {
      const place = await newPlace(kind);
      await writing(place, async (site) => {
        // Blobs of an archive stay in the order in which they came.
        for (const image of [app, tool]) await pushSignedImage(site.repository("first"), image, "1");
        for (const name of names)
          for (const image of images) await pushSignedImage(site.repository(name), image, tagOf(image));
      });
      return (await readFile(fileOf(place))).toString("latin1");
    };
    const tagOf = (image: SignedImage): string => (image === app ? "app" : "tool");
    expect(await written([tool, app], ["b", "a"])).toBe(await written([app, tool], ["a", "b"]));
  });

  it("say of a sparse index which platforms it has", async () => {
    const place = await newPlace(kind);
    const { index } = makeSigned();
    const stored = storedOf(index.top);
    const annotations = { [platformsAnnotation]: "linux/amd64" };
    await writing(place, async (site) => {
      await pushImage(site.repository("app"), index);
      await site
        .repository("app")
        .tag({ ...stored, descriptor: { ...stored.descriptor, annotations } }, "1", unstoppable);
    });
    const found = await (await reading(place)).repository("app").find("1", unstoppable);
    expect(found?.annotations).toMatchObject(annotations);
  });

  it("cannot be written where they were opened to be read", async () => {
    const place = await newPlace(kind);
    await writing(place, (site) => pushSignedImage(site.repository("app"), makeSigned(), "1"));
    const repository = (await reading(place)).repository("app");
    const manifest = storedOf(makeArtifact("x", "x").top);
    await expect(repository.tag(manifest, "1", unstoppable)).rejects.toMatchObject({ code: "INTERNAL" });
  });
});

describe("a layout that other tools wrote", () => {
  it("has its plain tags in the repository that its name gives, and keeps them when it is mirrored to", async () => {
    const directory = join(await temporaryDirectory("site"), "images");
    const layout = await openLayout(directory, { create: true }, unstoppable);
    await pushSignedImage(layout, makeSigned(), "1.0");
    const place: MirrorPlace = { transport: "oci", directory };
    await writing(place, (site) => pushSignedImage(site.repository("tool"), makeSigned("tool"), "2.0"));
    const site = await reading(place);
    expect(await site.repositories(unstoppable)).toEqual(["images", "tool"]);
    await expectSigned(site.repository("images"), makeSigned(), "1.0");
    expect(await (await openLayout(directory, {}, unstoppable)).find("1.0", unstoppable)).toBeDefined();
  });
});

describe("a layout or archive that is not there", () => {
  it.each(["oci:/nowhere/at/all", "oci-archive:/nowhere/at/all.tar"])("%s cannot be read", async (text) => {
    await expect(reading(parseMirrorPlace(text))).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
  });
});

describe("the repositories of a registry", () => {
  it("are those below the prefix, from all pages, without it", async () => {
    const names = ["hub/app", "hub/team/tool", "hubble", "other", "hub", "hub/UPPER"];
    const registry = await startForTest(({ path, query }, response) => {
      if (path !== "/v2/_catalog") return response.writeHead(404).end();
      const at = Number(query.get("at") ?? 0);
      if (at + 2 < names.length) response.setHeader("link", `</v2/_catalog?at=${at + 2}>; rel="next"`);
      return response.end(JSON.stringify({ repositories: names.slice(at, at + 2) }));
    });
    const site = await reading(parseMirrorPlace(`${registry.host}/hub`));
    expect(await site.repositories(unstoppable)).toEqual(["app", "team/tool"]);
  });

  it.each([
    [401, "UNAUTHORIZED"],
    [403, "DENIED"],
    [404, "REGISTRY_REJECTED"],
    [405, "REGISTRY_REJECTED"],
  ])("are to be named where the registry answers %i", async (status, code) => {
    const registry = await startForTest((_, response) => response.writeHead(status).end());
    const site = await reading(parseMirrorPlace(registry.host));
    await expect(site.repositories(unstoppable)).rejects.toMatchObject({
      code,
      hint: expect.stringMatching(/mirror file/),
    });
  });
});

for (const kind of ["oci", "oci-archive"] as const) {
  for (const describeContract of [describeStoreContract, describeReferrerContract]) {
    describeContract(`a repository in an ${kind}`, async () => {
      const sites = new Sites({ env: {} });
      const site = await sites.target(await newPlace(kind), unstoppable);
      return { target: site.repository("team/app"), close: () => sites[Symbol.asyncDispose]() };
    });
  }
}

function fileOf(place: MirrorPlace): string {
  if (place.transport === "oci") return join(place.directory, "index.json");
  return place.transport === "oci-archive" ? place.file : "";
}

async function tagsOf(repository: Target): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of repository.listTags(unstoppable)) tags.push(tag);
  return tags;
}

async function expectSigned(
  repository: Target,
  image: ReturnType<typeof makeSigned>,
  tag: string,
): Promise<void> {
  const { index, referrers, signature } = image;
  const top = await repository.manifest({ tag }, unstoppable);
  expect(Buffer.from(top.bytes)).toEqual(Buffer.from(index.top.bytes));
  for (const { descriptor, bytes } of index.layers) {
    const blob = { ...storedOf({ descriptor, bytes }).descriptor };
    expect(await collect(await repository.fetch(blob, unstoppable), 1e6, "blob")).toEqual(Buffer.from(bytes));
  }
  for (const { artifact, subject } of referrers) {
    const { digest } = subject.descriptor;
    if (!isDigest(digest)) throw new Error("no digest");
    const found = await repository.referrers(digest, unstoppable);
    expect(found.map((each) => each.digest)).toEqual([artifact.top.descriptor.digest]);
  }
  expect(cosignTags(storedOf(index.top).descriptor.digest)).toContain(signature.tag);
  expect((await repository.find(signature.tag, unstoppable))?.digest).toBe(
    signature.artifact.top.descriptor.digest,
  );
}
