import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../src/model/json.ts";
import { type MadeImage, makeImage, makeIndex, pushMade } from "../support/make-image.ts";
import { makeArtifact, makeSigned } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { digestOfMade, load, type MirrorSide, mirror, outcomeOf, startSides } from "./mirror-scene.ts";

const image = (architecture: string): MadeImage =>
  makeImage({ layers: [{ files: [{ path: "f", content: architecture }] }], architecture });
const [amd64, arm64, s390x] = [image("amd64"), image("arm64"), image("s390x")];

/** What BuildKit attests of an image. */
function attestationOf({ top }: MadeImage): MadeImage {
  return {
    ...makeArtifact("in-toto", `attestation of ${digestOfMade(top)}`),
    entry: {
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": digestOfMade(top),
      },
    },
  };
}
const [ofAmd64, ofS390x] = [attestationOf(amd64), attestationOf(s390x)];
const index = makeIndex([amd64, arm64, s390x, ofAmd64, ofS390x]);

const plan = (platforms: string, referrers = false): string =>
  `repositories:\n  - {name: NEAR/app, tags: ["1"], platforms: ${platforms}, referrers: ${referrers}}\n`;

async function startWithIndex() {
  const sides = await startSides();
  await pushMade(index, sides.near.url, "app:1");
  return sides;
}
async function newLayout(): Promise<string> {
  return join(await temporaryDirectory("platforms"), "images");
}
async function digestAt({ url }: MirrorSide, repository: string, name: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v2/${repository}/manifests/${name}`, { method: "HEAD" });
  return answer.headers.get("docker-content-digest") ?? undefined;
}
async function entriesIn(directory: string): Promise<readonly unknown[]> {
  const document: unknown = JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
  return isJsonObject(document) && Array.isArray(document.manifests) ? document.manifests : [];
}
async function blobsIn(directory: string): Promise<string[]> {
  return (await readdir(join(directory, "blobs", "sha256"))).map((hex) => `sha256:${hex}`);
}
const manifestsOf = (...images: readonly MadeImage[]): string[] => images.map(({ top }) => digestOfMade(top));
const contentOf = (...images: readonly MadeImage[]): string[] =>
  images.flatMap(({ top, configs, layers }) => [top, ...configs, ...layers].map(digestOfMade));

describe("a single platform", () => {
  it("gives its manifest the tag, and nothing else is read", async () => {
    const { near, far } = await startWithIndex();
    const done = await mirror(plan("linux/arm64"), near, far.host);
    expect(done.images[0]?.descriptor.digest).toBe(digestOfMade(arm64.top));
    expect(await digestAt(far, "app", "1")).toBe(digestOfMade(arm64.top));
    expect(near.asked(({ path }) => path.includes("/blobs/"))).toHaveLength(2);
  });

  it("that the image has not is a failure of its own", async () => {
    const { near, far } = await startWithIndex();
    await pushMade(amd64, near.url, "single:1");
    await pushMade(makeArtifact("chart", "chart"), near.url, "chart:1");
    const repositories = ["app", "single", "chart"].map((name) => `  - {name: NEAR/${name}, tags: ["1"]}\n`);
    const text = `platforms: linux/riscv64\nrepositories:\n${repositories.join("")}`;
    const done = await mirror(text, near, far.host);
    expect(outcomeOf(done)).toEqual({
      images: [],
      faults: ["app:1 PLATFORM_NOT_FOUND", "chart:1 FORMAT_UNSUPPORTED", "single:1 PLATFORM_MISMATCH"],
    });
    for (const { error } of done.faults.slice(1)) expect(error.hint).toMatch(/platforms: all/);
  });
});

describe("several platforms", () => {
  it("keep the index, with these images and what attests them", async () => {
    const { near } = await startWithIndex();
    const [directory, loaded] = [await newLayout(), await newLayout()];
    await mirror(plan("[linux/amd64, linux/arm64]"), near, `oci:${directory}`);
    const done = await load(`oci:${directory}`, `oci:${loaded}`);
    expect(outcomeOf(done)).toEqual({ images: ["app:1"], faults: [] });
    for (const place of [directory, loaded]) {
      expect(await entriesIn(place)).toEqual([
        expect.objectContaining({
          digest: digestOfMade(index.top),
          annotations: {
            "org.opencontainers.image.ref.name": "app:1",
            "io.github.compose-image.platforms": "linux/amd64,linux/arm64",
          },
        }),
      ]);
      const held = [digestOfMade(index.top), ...contentOf(amd64, arm64, ofAmd64)];
      expect((await blobsIn(place)).sort()).toEqual([...new Set(held)].sort());
    }
  });

  it("may be others the next time, and what is loaded from the directory is that", async () => {
    const { near, far } = await startWithIndex();
    const directory = await newLayout();
    await mirror(plan("[linux/amd64, linux/arm64]"), near, `oci:${directory}`);
    await mirror(plan("[linux/amd64, linux/s390x]"), near, `oci:${directory}`);
    const loaded = await newLayout();
    await load(`oci:${directory}`, `oci:${loaded}`);
    expect(await blobsIn(loaded)).toEqual(expect.arrayContaining(contentOf(amd64, s390x, ofS390x)));
    expect(await blobsIn(loaded)).not.toContain(digestOfMade(arm64.top));
    await mirror(plan("all"), near, `oci:${directory}`);
    expect(await entriesIn(directory)).toEqual([
      expect.objectContaining({ annotations: { "org.opencontainers.image.ref.name": "app:1" } }),
    ]);
    await load(`oci:${directory}`, far.host);
    for (const digest of manifestsOf(amd64, arm64, s390x, ofAmd64, ofS390x)) {
      expect(await digestAt(far, "app", digest)).toBe(digest);
    }
  });

  it.each([
    [404, "MANIFEST_BLOB_UNKNOWN"],
    [400, "MANIFEST_BLOB_UNKNOWN"],
    [400, "MANIFEST_INVALID"],
  ])("are refused by a registry that answers %i %s, and it is said what helps", async (status, code) => {
    const { near, far } = await startWithIndex();
    const body = JSON.stringify({ errors: [{ code, message: "no" }] });
    far.proxy.fault = ({ method, path }) =>
      method === "PUT" && path.endsWith(digestOfMade(index.top))
        ? { kind: "answer", status, body }
        : undefined;
    const done = await mirror(plan("[linux/amd64, linux/arm64]"), near, far.host);
    expect(outcomeOf(done)).toEqual({ images: [], faults: ["app:1 REGISTRY_REJECTED"] });
    const [fault] = done.faults;
    expect(fault?.error.message).toMatch(/only some platforms came along/);
    expect(fault?.error.hint).toMatch(/all platforms, or a single one/);
    expect(await digestAt(far, "app", "1")).toBeUndefined();
  });

  it("of which the index has none are a failure that names them; an image is taken as it is", async () => {
    const { near } = await startWithIndex();
    await pushMade(amd64, near.url, "single:1");
    const directory = await newLayout();
    const text = `platforms: [linux/riscv64, linux/ppc64le]\nrepositories:\n  - {name: NEAR/app, tags: ["1"]}\n  - {name: NEAR/single, tags: ["1"]}\n`;
    const done = await mirror(text, near, `oci:${directory}`);
    expect(outcomeOf(done)).toEqual({ images: ["single:1"], faults: ["app:1 PLATFORM_NOT_FOUND"] });
    expect(done.faults[0]?.error.message).toMatch(/no image for linux\/riscv64 or linux\/ppc64le$/);
  });

  it("bring the referrers of what they keep, and of the index", async () => {
    const { near } = await startSides();
    const { index: top, referrers, signature } = makeSigned();
    await pushMade(top, near.url, "app:1");
    for (const { artifact } of referrers) {
      await pushMade(artifact, near.url, "app:tmp", {}, digestOfMade(artifact.top));
    }
    await pushMade(signature.artifact, near.url, `app:${signature.tag}`);
    const directory = await newLayout();
    // The scan is of the image for amd64, which stays behind.
    const text = plan("[linux/arm64, linux/s390x]", true);
    const done = await mirror(text, near, `oci:${directory}`);
    const [sbom, seal, scan] = referrers.map(({ artifact }) => digestOfMade(artifact.top));
    const found = [sbom, seal, digestOfMade(signature.artifact.top)].sort();
    expect(done.images[0]?.referrers).toEqual(found);
    expect(found).not.toContain(scan);
    const loaded = await load(`oci:${directory}`, `oci:${await newLayout()}`);
    expect(loaded.images[0]?.referrers).toEqual(found);
  });
});
