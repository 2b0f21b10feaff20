import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { type SiteVerification, type VerifyOptions, verifySite } from "../../src/mirror/verify-site.ts";
import { parseDigest } from "../../src/model/digest.ts";
import { parseMirrorPlace } from "../../src/model/mirror-place.ts";
import { parsePlatform } from "../../src/model/platform.ts";
import { encodeFallbackIndex, fallbackTag } from "../../src/model/referrers.ts";
import type { LockedImage } from "../../src/plan/mirror-plan.ts";
import { platformsAnnotation } from "../../src/store/layout/kept-platforms.ts";
import type { Target } from "../../src/store/target.ts";
import { type MadeBlob, type MadeImage, sha256 } from "../support/make-image.ts";
import { makeArtifact, makeSigned } from "../support/signed-image.ts";
import { pushImage, pushSignedImage, storedOf } from "./fill-site.ts";
import { newPlace, reading, serve, siteKinds, writing } from "./places.ts";

const image = makeSigned();
const [sbom, seal] = image.referrers.map(({ artifact }) => artifact);
const [child] = image.index.children;
const [layer] = image.index.layers;
const [config] = image.index.configs;
if (!sbom || !seal || !child || !layer || !config) throw new Error("no image");

/** What a lock file says of the image. */
const locked: LockedImage = {
  ...{ registry: "registry.example", repository: "app", target: "team/app", tag: "1.0" },
  digest: storedOf(image.index.top).descriptor.digest,
  referrers: [...image.referrers.map(({ artifact }) => artifact), image.signature.artifact]
    .map(({ top }) => storedOf(top).descriptor.digest)
    .sort(),
};

describe.each(siteKinds)("a place of kind %s", (kind) => {
  it("that is whole has no fault, and is counted", async () => {
    const place = await newPlace(kind);
    await writing(place, async (site) => {
      await pushSignedImage(site.repository("team/app"), image, "1.0");
      await pushSignedImage(site.repository("tool"), makeSigned("tool"), "2.0");
    });
    const site = await reading(place);
    const options = { expected: { images: [locked] }, jobs: 3 };
    const found = await verifySite(site, options, unstoppable);
    expect(found).toMatchObject({ site: site.name, repositories: 2, images: 2, faults: [], notes: [] });
    const all = new Map([...contentOf(image), ...contentOf(makeSigned("tool"))]);
    const manifests = new Set([...image.digests, ...makeSigned("tool").digests]);
    expect(found.manifests).toBe(manifests.size);
    expect(found.blobs).toBe(all.size - manifests.size);
    expect(found.bytes).toBe([...all.values()].reduce((sum, size) => sum + size, 0));
    expect(found.referrers).toBe(8);
    expect(await verifySite(site, { ...options, jobs: 1 }, unstoppable)).toEqual(found);
  });

  it("names what the lock file has and it has not", async () => {
    const place = await newPlace(kind);
    const other = makeArtifact("other", "other");
    await writing(place, async (site) => {
      await pushSignedImage(site.repository("team/app"), image, "1.0");
      await pushImage(site.repository("team/app"), other);
      await site.repository("team/app").tag(storedOf(other.top), "1.0", unstoppable);
    });
    const absent = parseDigest(sha256(Buffer.from("absent")));
    const images: LockedImage[] = [
      { ...locked, referrers: [...locked.referrers, absent] },
      { ...locked, tag: "2.0" },
      { ...locked, tag: undefined, digest: absent, referrers: [] },
      { ...locked, target: "nowhere", referrers: [] },
    ];
    const { faults } = await verifySite(await reading(place), { expected: { images } }, unstoppable);
    const of = (code: string, tag: string | undefined, text: RegExp) =>
      expect.objectContaining({ code, tag, message: expect.stringMatching(text) });
    expect(faults).toEqual(
      expect.arrayContaining([
        of(
          "DIGEST_MISMATCH",
          "1.0",
          new RegExp(
            `^team/app:1.0: the lock file has ${locked.digest} .* names ${other.top.descriptor.digest}`,
          ),
        ),
        of("MANIFEST_NOT_FOUND", "1.0", new RegExp(`has ${absent} as referring to`)),
        of("MANIFEST_NOT_FOUND", "2.0", /by this tag, which is not there/),
        of("MANIFEST_NOT_FOUND", "1.0", /^nowhere:1.0/),
        expect.objectContaining({ code: "MANIFEST_NOT_FOUND", digest: absent }),
      ]),
    );
  });
});

describe("a layout", () => {
  it.each<[string, MadeBlob, (path: string) => Promise<void>, string, RegExp]>([
    [
      "a blob that was cut",
      layer,
      (path) => truncate(path, 3),
      "SIZE_MISMATCH",
      /the manifest sha256:\S+ names it/,
    ],
    ["a blob with another byte", layer, flip, "DIGEST_MISMATCH", /the manifest sha256:\S+ names it/],
    ["a missing layer", layer, (path) => rm(path), "BLOB_NOT_FOUND", /the manifest sha256:\S+ names it/],
    [
      "a missing configuration",
      config,
      (path) => rm(path),
      "BLOB_NOT_FOUND",
      /the manifest sha256:\S+ names it/,
    ],
    ["a missing child", child, (path) => rm(path), "MANIFEST_NOT_FOUND", /the index sha256:\S+ names it/],
    ["a child with another byte", child, flip, "DIGEST_MISMATCH", /the index sha256:\S+ names it/],
    ["a missing index", image.index.top, (path) => rm(path), "MANIFEST_NOT_FOUND", /the tag 1\.0 names it/],
    [
      "a missing referrer",
      seal.top,
      (path) => rm(path),
      "MANIFEST_NOT_FOUND",
      /an entry without a tag names it/,
    ],
    ["a referrer with another byte", seal.top, flip, "DIGEST_MISMATCH", /an entry without a tag names it/],
    [
      "a missing signature of cosign's",
      image.signature.artifact.top,
      (path) => rm(path),
      "MANIFEST_NOT_FOUND",
      /the tag sha256-\S+\.sig names it/,
    ],
  ])("with %s has that as a fault", async (_, { descriptor }, damage, code, message) => {
    const { faults } = await verified(async (blobs) => damage(blobs(descriptor.digest)));
    const found = faults.filter(({ digest }) => digest === descriptor.digest);
    expect(found).toContainEqual(
      expect.objectContaining({
        ...{
          code,
          repository: "team/app",
          message: expect.stringMatching(message),
          hint: expect.any(String),
        },
      }),
    );
    const others = faults.filter((fault) => !found.includes(fault));
    // What is said of others is that what they refer to is not there.
    for (const other of others) expect(other.message).toMatch(/it refers to sha256:\S+, which is not there/);
  });

  it("has faults in more than one place named all, in a fixed order", async () => {
    const { faults } = await verified(async (blobs) => {
      await rm(blobs(child.descriptor.digest));
      await flip(blobs(layer.descriptor.digest));
      await rm(blobs(sbom.layers[0]?.descriptor.digest ?? ""));
    });
    expect(faults.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["MANIFEST_NOT_FOUND", "DIGEST_MISMATCH", "BLOB_NOT_FOUND"]),
    );
    const order = faults.map(({ tag = "", digest = "" }) => `${tag} ${digest}`);
    expect(order).toEqual([...order].sort());
  });

  it("with a referrer whose subject is missing has that as a fault", async () => {
    const { faults } = await verified(undefined, async (target) => {
      const stray = makeArtifact("stray", "stray", makeArtifact("gone", "gone").top);
      await pushImage(target, stray);
      await target.keep?.(storedOf(stray.top), unstoppable);
    });
    expect(faults).toMatchObject([
      {
        code: "MANIFEST_NOT_FOUND",
        message: expect.stringMatching(/it refers to sha256:\S+, which is not there/),
      },
    ]);
  });

  it.each([
    ["itself", sbom, /the tag sha256-\S+ lists it as referring to itself/],
    ["in a circle", image.index, /lists it as referring to sha256:\S+, which it does not/],
  ])(
    "with a list that has a manifest refer to %s has that as a fault, and is read to the end",
    async (_, listed, message) => {
      const { faults } = await verified(undefined, async (target) => {
        const index = encodeFallbackIndex([storedOf(listed.top).descriptor]);
        const mediaType = "application/vnd.oci.image.index.v1+json";
        const top = {
          descriptor: { mediaType, digest: sha256(index), size: index.byteLength },
          bytes: index,
        };
        await target.pushManifest(storedOf(top), unstoppable);
        await target.tag(storedOf(top), fallbackTag(storedOf(sbom.top).descriptor.digest), unstoppable);
      });
      expect(faults).toMatchObject([{ code: "MANIFEST_INVALID", message: expect.stringMatching(message) }]);
    },
  );

  it("may lack what a sparse index does not have, and nothing else", async () => {
    const sparse = async (platforms: string) => {
      const place = await newPlace("oci");
      if (place.transport !== "oci") throw new Error("no layout");
      const stored = storedOf(image.index.top);
      const descriptor = { ...stored.descriptor, annotations: { [platformsAnnotation]: platforms } };
      await writing(place, async (site) => {
        await pushImage(site.repository("app"), image.index);
        await site.repository("app").tag({ ...stored, descriptor }, "1", unstoppable);
      });
      await rm(join(place.directory, "blobs", ...child.descriptor.digest.split(":")));
      return (await verifySite(await reading(place), {}, unstoppable)).faults;
    };
    expect(await sparse("linux/arm64")).toEqual([]);
    expect(await sparse("linux/amd64,linux/arm64")).toMatchObject([
      { code: "MANIFEST_NOT_FOUND", digest: child.descriptor.digest },
    ]);
  });

  it("has what nothing refers to, and tags about what is gone, as notes", async () => {
    const stray = Buffer.from("stray");
    const { faults, notes } = await verified(
      (blobs) => writeFile(blobs(sha256(stray)), stray),
      async (target) => {
        const tag = `sha256-${"a".repeat(64)}.sig`;
        await target.tag(storedOf(image.signature.artifact.top), tag, unstoppable);
      },
    );
    expect(faults).toEqual([]);
    expect(notes).toEqual([
      `team/app:sha256-${"a".repeat(64)}.sig is about sha256:${"a".repeat(64)}, which is not there`,
      `${sha256(stray)} is there, and nothing refers to it`,
    ]);
  });

  it("has what its parts were found to lack among the faults", async () => {
    const part = {
      repository: undefined,
      tag: undefined,
      digest: undefined,
      code: "DIGEST_MISMATCH",
      message: "part 2",
      hint: undefined,
    } as const;
    const { faults } = await verified(undefined, undefined, { checkParts: async () => [part] });
    expect(faults).toEqual([part]);
  });
});

describe("a registry", () => {
  it.each([
    ["a blob with another byte", layer, flip, "DIGEST_MISMATCH"],
    ["a missing layer", layer, rm, "BLOB_NOT_FOUND"],
    ["a missing child", child, rm, "MANIFEST_NOT_FOUND"],
    ["a missing referrer", seal.top, rm, "MANIFEST_NOT_FOUND"],
  ])("with %s has that as a fault", async (_, { descriptor }, damage, code) => {
    const place = await newPlace("oci");
    if (place.transport !== "oci") throw new Error("no layout");
    const { directory } = place;
    await writing(place, (site) => pushSignedImage(site.repository("team/app"), image, "1.0"));
    await damage(join(directory, "blobs", ...descriptor.digest.split(":")));
    const site = await reading(parseMirrorPlace(await serve({ directory, writable: false })));
    const { faults } = await verifySite(site, { expected: { images: [locked] } }, unstoppable);
    expect(faults).toContainEqual(expect.objectContaining({ code, digest: descriptor.digest }));
  });

  it("of which one platform was chosen may have other digests under the tags of a lock file", async () => {
    const place = await newPlace("registry");
    await writing(place, async (site) => {
      await pushImage(site.repository("team/app"), image.index);
      await site.repository("team/app").tag(storedOf(child), "1.0", unstoppable);
    });
    const options = {
      expected: { images: [{ ...locked, referrers: [] }] },
      platforms: new Map([["team/app", [parsePlatform("linux/amd64")]]]),
    };
    expect((await verifySite(await reading(place), options, unstoppable)).faults).toEqual([]);
  });
});

/** Verifies a layout with the image, after what is done to it. */
async function verified(
  damage?: (blobs: (digest: string) => string) => Promise<void>,
  add?: (target: Target) => Promise<void>,
  options: VerifyOptions = {},
): Promise<SiteVerification> {
  const place = await newPlace("oci");
  if (place.transport !== "oci") throw new Error("no layout");
  await writing(place, async (site) => {
    await pushSignedImage(site.repository("team/app"), image, "1.0");
    await add?.(site.repository("team/app"));
  });
  await damage?.((digest) => join(place.directory, "blobs", ...digest.split(":")));
  return verifySite(await reading(place), options, unstoppable);
}

/** Changes the last byte and no more. */
async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  await writeFile(path, bytes);
}

/** Sizes of all content of an image and what is about it, by digest. */
function contentOf({ index, referrers, signature }: ReturnType<typeof makeSigned>): Map<string, number> {
  const made: MadeImage[] = [index, signature.artifact, ...referrers.map(({ artifact }) => artifact)];
  const blobs = made.flatMap(({ top, children, configs, layers }) => [
    top,
    ...children,
    ...configs,
    ...layers,
  ]);
  return new Map(blobs.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
}
