import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { type ComposeResult, compose } from "../../src/ops/compose.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { putImage, putIndex, readIndex } from "./support/images.ts";
import { attestationOf, baseFor, platformsIn, putPlatforms } from "./support/platform-images.ts";

const platforms = ["linux/amd64", "linux/arm64", "linux/s390x"];
let layouts: string;

beforeEach(async () => {
  layouts = await temporaryDirectory("append");
  await putPlatforms(layouts, "builder", platforms);
  await putPlatforms(layouts, "base", platforms);
});

function append(flags: ComposeFlags, ...tags: readonly string[]): Promise<ComposeResult> {
  const plan = parseComposeFlags({
    builder: `oci:${layouts}:builder`,
    base: `oci:${layouts}:base`,
    directory: ["/app:/srv/app"],
    tag: (tags.length === 0 ? ["out"] : tags).map((tag) => `oci:${layouts}:${tag}`),
    appendPlatforms: true,
    ...flags,
  });
  return compose(plan);
}

const entriesOf = async (tag = "out") =>
  (await readIndex(layouts, tag)).manifests.map(({ digest }) => digest as string);

describe("--append-platforms", () => {
  it("makes the index of its platforms where the tag names nothing, also of one", async () => {
    const { kind, descriptor } = await append({ platform: "linux/arm64" });
    expect(kind).toBe("index");
    expect(await platformsIn(layouts, "out")).toEqual(["linux/arm64"]);
    expect((await readIndex(layouts, "out")).digest).toBe(descriptor?.digest);
  });

  it("gives, one platform after the other, what all give at once", async () => {
    for (const platform of platforms) await append({ platform });
    const { descriptor } = await append({ platform: "all", appendPlatforms: false }, "once");
    const index = await readIndex(layouts, "out");
    expect(index.digest).toBe(descriptor?.digest);
    expect(index.annotations).toHaveProperty(["org.opencontainers.image.base.digest"]);
    await append({ platform: "linux/arm64" });
    expect((await readIndex(layouts, "out")).digest).toBe(index.digest);
  });

  it("replaces an image for the same platform in its place, with what attests it, and keeps all else", async () => {
    await putIndex(layouts, "old", {
      "linux/riscv64": baseFor("linux/riscv64"),
      "linux/amd64": baseFor("linux/amd64"),
    });
    const [riscv = "", amd = ""] = await entriesOf("old");
    // Any manifest may stand for an attestation: what counts is the entry.
    const attestation = (await putImage(layouts, "attestation", baseFor("linux/386"))).descriptor;
    const attesting = (digest: string): JsonObject => ({
      ...attestationOf(digest),
      digest: attestation.digest,
      size: attestation.size,
    });
    await putIndex(
      layouts,
      "out",
      { "linux/riscv64": baseFor("linux/riscv64"), "linux/amd64": baseFor("linux/amd64") },
      [attesting(riscv), attesting(amd)],
    );
    const { images, descriptor } = await append({ platform: "linux/arm64,linux/amd64" });
    const [arm, newAmd] = images.map((image) => image.descriptor.digest as string);
    expect(await entriesOf()).toEqual([riscv, newAmd, attestation.digest, arm]);
    const index = await readIndex(layouts, "out");
    expect(index.manifests[2]?.annotations).toEqual(attesting(riscv).annotations);
    expect(index.annotations).toBeUndefined();
    expect(descriptor?.digest).toBe(index.digest);
  });

  it("makes an entry of an image that has been alone, unless it is for the same platform", async () => {
    const alone = await putImage(layouts, "out", baseFor("linux/riscv64"));
    await append({ platform: "linux/arm64" });
    expect(await platformsIn(layouts, "out")).toEqual(["linux/riscv64", "linux/arm64"]);
    expect(await entriesOf()).toContain(alone.descriptor.digest);

    await putImage(layouts, "out", baseFor("linux/arm64"));
    await append({ platform: "linux/arm64" });
    expect(await platformsIn(layouts, "out")).toEqual(["linux/arm64"]);
    expect(await entriesOf()).not.toContain(alone.descriptor.digest);
  });

  it("gives each tag an index with what that tag named", async () => {
    await putImage(layouts, "one", baseFor("linux/riscv64"));
    const { pushed } = await append({ platform: "linux/arm64" }, "one", "two", "three");
    expect(await platformsIn(layouts, "one")).toEqual(["linux/riscv64", "linux/arm64"]);
    expect(await platformsIn(layouts, "two")).toEqual(["linux/arm64"]);
    expect(pushed.map(({ tags }) => tags)).toEqual([["one"], ["two", "three"]]);
    expect(pushed.map(({ digest }) => digest)).toEqual([
      (await readIndex(layouts, "one")).digest,
      (await readIndex(layouts, "two")).digest,
    ]);
  });

  it("refuses to keep images of another format", async () => {
    const { descriptor } = await putImage(layouts, "out", { ...baseFor("linux/amd64"), family: "docker" });
    await expect(append({ platform: "linux/arm64" })).rejects.toMatchObject({
      code: "FORMAT_UNSUPPORTED",
      message: expect.stringMatching(/^target oci:.*:out has linux\/amd64 in the docker format/),
      hint: expect.stringContaining("--format docker"),
    });
    expect((await readIndex(layouts, "out")).digest).toBe(descriptor.digest);
    await append({ platform: "linux/arm64", format: "docker" });
    const index = await readIndex(layouts, "out");
    expect(index.mediaType).toBe(mediaTypes.docker.index);
    expect(await platformsIn(layouts, "out")).toEqual(["linux/amd64", "linux/arm64"]);
  });

  it("refuses to keep images that are not there any more, with their names", async () => {
    const before = await putIndex(layouts, "out", {
      "linux/riscv64": baseFor("linux/riscv64"),
      "linux/amd64": baseFor("linux/amd64"),
    });
    const [riscv = ""] = await entriesOf();
    await rm(join(layouts, "blobs", ...riscv.split(":")));
    await expect(append({ platform: "linux/arm64" })).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: expect.stringContaining(`manifests that are not there: ${riscv} (linux/riscv64)`),
      hint: expect.stringContaining("without --append-platforms"),
    });
    expect((await readIndex(layouts, "out")).digest).toBe(before.descriptor.digest);
  });
});
