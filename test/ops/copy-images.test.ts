import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { ownerlessName } from "../../src/io/temporary-name.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { parseDigest } from "../../src/model/digest.ts";
import { parsePlatform } from "../../src/model/platform.ts";
import { type CopyOptions, type CopyResult, copyImages } from "../../src/ops/copy-images.ts";
import { parseCopyLocations } from "../../src/ops/copy-locations.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import { blobPath } from "../support/blob-path.ts";
import {
  type MadeBlob,
  type MadeImage,
  makeImage,
  makeIndex,
  saveMade,
  sha256,
} from "../support/make-image.ts";
import { randomContent } from "../support/random-content.ts";
import { makeArtifact } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";

const amd64 = makeImage({ layers: [{ files: [{ path: "app", content: "amd64" }] }] });
const arm64 = makeImage({
  layers: [{ files: [{ path: "app", content: "arm64" }] }],
  architecture: "arm64",
});

async function place() {
  const home = await temporaryDirectory("copy-images");
  return { from: join(home, "from"), to: join(home, "to"), home };
}
const copy = (from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> => {
  const { source, target } = parseCopyLocations(from, to, options.allTags ?? false);
  return copyImages(source, target, options);
};
async function tagsIn(directory: string): Promise<readonly string[]> {
  return (await openLayout(directory, {}, unstoppable)).tags(unstoppable);
}
function document(value: object): MadeBlob {
  const mediaType = "mediaType" in value ? String(value.mediaType) : "";
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength } };
}
const ociIndex = "application/vnd.oci.image.index.v1+json";
const ociManifest = "application/vnd.oci.image.manifest.v1+json";
function indexOf(...manifests: object[]): MadeBlob {
  return document({ schemaVersion: 2, mediaType: ociIndex, manifests });
}
function alone(top: MadeBlob): MadeImage {
  return { top, children: [], configs: [], layers: [], architecture: "" };
}

test("the tag is as asked for, else as at the source, else latest", async () => {
  const { from, to } = await place();
  await saveMade(amd64, from, "1.2");
  for (const [source, target, tag] of [
    [`oci:${from}:1.2`, `oci:${to}:other`, "other"],
    [`oci:${from}:1.2`, `oci:${to}`, "1.2"],
    [`oci:${from}`, `oci:${to}`, "1.2"],
  ] as const) {
    const { images } = await copy(source, target);
    expect(images).toMatchObject([{ tag, descriptor: { digest: amd64.top.descriptor.digest } }]);
  }
  await saveMade(amd64, from, "1.3");
  expect((await copy(`oci:${from}`, `oci:${to}`)).images[0]?.tag).toBe("latest");
  expect(await tagsIn(to)).toEqual(["other", "1.2", "latest"]);
});

describe("what is refused", () => {
  test("an index that lacks manifests is told with all that it lacks, and leaves no tag", async () => {
    const { from, to } = await place();
    const index = makeIndex([amd64, arm64]);
    await saveMade({ ...index, children: [] }, from, "1");
    const failure = copy(`oci:${from}:1`, `oci:${to}`);
    await expect(failure).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: expect.stringMatching(/^source oci:.*linux\/amd64\), sha256:.*linux\/arm64\)/),
    });
    expect(await tagsIn(to)).toEqual([]);
  });

  test.each([
    ["schema 1", document({ schemaVersion: 1, mediaType: ociManifest }), "MANIFEST_INVALID"],
    [
      "manifest and index at once",
      document({ schemaVersion: 2, mediaType: ociIndex, manifests: [], layers: [] }),
      "MANIFEST_INVALID",
    ],
  ])("%s", async (_, top, code) => {
    const { from, to } = await place();
    await saveMade(alone(top), from, "1");
    await expect(copy(`oci:${from}:1`, `oci:${to}`)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^source /),
    });
  });

  test("indexes that are nested without end", async () => {
    const { from, to } = await place();
    let top = amd64.top;
    const children = [amd64.top];
    for (let depth = 0; depth < 12; depth += 1) {
      top = indexOf(top.descriptor);
      children.push(top);
    }
    await saveMade({ ...amd64, top, children }, from, "1");
    await expect(copy(`oci:${from}:1`, `oci:${to}`)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("a missing blob, naming the source, and no tag is moved", async () => {
    const { from, to } = await place();
    await saveMade({ ...amd64, layers: [] }, from, "1");
    await expect(copy(`oci:${from}:1`, `oci:${to}`)).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
      message: expect.stringMatching(/^source /),
    });
    expect(await tagsIn(to)).toEqual([]);
  });

  test.each([
    ["an index", makeIndex([amd64, arm64]), "is an index"],
    ["an artifact", makeArtifact("sbom", "sbom"), "is no image"],
  ])("%s for docker load", async (_, made, message) => {
    const { from, home } = await place();
    await saveMade(made, from, "1");
    await expect(copy(`oci:${from}:1`, `docker-archive:${join(home, "a.tar")}`)).rejects.toMatchObject({
      code: "FORMAT_UNSUPPORTED",
      message: expect.stringContaining(message),
    });
    expect(await readdir(home)).toEqual(["from"]);
  });

  test("an image that is not for the platform asked for", async () => {
    const { from, to } = await place();
    await saveMade(arm64, from, "1");
    const platform = parsePlatform("linux/amd64");
    await expect(copy(`oci:${from}:1`, `oci:${to}`, { platform })).rejects.toMatchObject({
      code: "PLATFORM_MISMATCH",
    });
    expect(
      (await copy(`oci:${from}:1`, `oci:${to}`, { platform: parsePlatform("linux/arm64") })).images,
    ).toHaveLength(1);
  });

  test("an archive onto itself", async () => {
    const { from, home } = await place();
    await saveMade(amd64, from, "1");
    const archive = `oci-archive:${join(home, "a.tar")}`;
    await copy(`oci:${from}:1`, archive);
    await expect(copy(archive, `${archive}:2`)).rejects.toMatchObject({ code: "USAGE" });
  });
});

test("a foreign layer stays where it is, and the digest stays too", async () => {
  const { from, to } = await place();
  const [layer] = amd64.layers;
  const foreign = {
    ...layer?.descriptor,
    mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    urls: ["https://example.invalid/layer"],
  };
  const top = document({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: amd64.configs[0]?.descriptor,
    layers: [foreign],
  });
  await saveMade({ ...amd64, top, layers: [] }, from, "1");
  expect((await copy(`oci:${from}:1`, `oci:${to}`)).images[0]?.descriptor.digest).toBe(top.descriptor.digest);
});

test("what an index names that is no manifest is copied as a blob", async () => {
  const { from, to } = await place();
  const layer = amd64.layers[0];
  if (layer === undefined) throw new Error("no layer");
  await saveMade({ ...alone(indexOf(layer.descriptor)), layers: [layer] }, from, "cache");
  await copy(`oci:${from}:cache`, `oci:${to}`);
  expect(await readdir(join(to, "blobs", "sha256"))).toContain(layer.descriptor.digest.slice(7));
});

test("of all tags, an image's that is called like a list of referrers is copied, too", async () => {
  const { from, to } = await place();
  const tags = [`sha256-${"a".repeat(64)}`, `sha256-${"b".repeat(64)}`];
  await saveMade(amd64, from, tags[0] ?? "");
  await saveMade(alone(indexOf()), from, tags[1] ?? "");
  await copy(`oci:${from}`, `oci:${to}`, { allTags: true });
  expect(await tagsIn(to)).toEqual(tags.slice(0, 1));
});

test("what only a list of referrers calls one goes along, from layout to layout", async () => {
  const { from, to, home } = await place();
  const note = makeArtifact("note", "without a subject");
  await saveMade(amd64, from, "1");
  await saveMade(note, from, "note");
  await saveMade(
    alone(indexOf({ ...note.top.descriptor, artifactType: "application/vnd.example.note" })),
    from,
    amd64.top.descriptor.digest.replace(":", "-"),
  );
  const last = join(home, "last");
  await copy(`oci:${from}:1`, `oci:${to}`);
  expect(await copy(`oci:${to}`, `oci:${last}`)).toMatchObject({ referrers: 1 });
  const layout = await openLayout(last, {}, unstoppable);
  expect(await layout.referrers(parseDigest(amd64.top.descriptor.digest), unstoppable)).toEqual([
    { ...note.top.descriptor, artifactType: "application/vnd.example.note" },
  ]);
});

test("cosign's tags that lead in a circle end", async () => {
  const { from, to } = await place();
  const signature = makeArtifact("signature", "signature");
  const [image, seal] = [amd64, signature].map(({ top }) => top.descriptor.digest.replace(":", "-"));
  await saveMade(amd64, from, "1");
  await saveMade(signature, from, `${image}.sig`);
  await saveMade(amd64, from, `${seal}.sig`);
  const { referrers } = await copy(`oci:${from}:1`, `oci:${to}`);
  expect(referrers).toBe(2);
  expect(await tagsIn(to)).toEqual([`${image}.sig`, `${seal}.sig`, "1"]);
  expect((await copy(`oci:${to}`, `oci:${to}2`)).images).toMatchObject([{ tag: "1" }]);
});

test("what the target has is not read again, but a layout's missing blobs are", async () => {
  const { from, to } = await place();
  await saveMade(makeIndex([amd64, arm64]), from, "1");
  await copy(`oci:${from}:1`, `oci:${to}`);
  const again = await copy(`oci:${from}:1`, `oci:${to}`);
  expect(again).toMatchObject({ manifests: { written: 0, present: 3 }, images: [{ isMoved: false }] });
  const lost = blobPath(to, amd64.layers[0]?.descriptor.digest ?? "");
  await rm(lost);
  await copy(`oci:${from}:1`, `oci:${to}`);
  expect(await readdir(join(to, "blobs", "sha256"))).toHaveLength(7);
});

test("a tag that is gone after it was listed is left out, and told", async () => {
  const { from, to } = await place();
  await saveMade(amd64, from, "1");
  await saveMade(alone(indexOf()), from, "2");
  const lost = blobPath(from, indexOf().descriptor.digest);
  await rm(lost);
  const events: TransferEvent[] = [];
  const result = await copy(`oci:${from}`, `oci:${to}`, {
    allTags: true,
    platform: parsePlatform("linux/amd64"),
    onTransfer: (event) => events.push(event),
  });
  expect(result).toMatchObject({ vanished: ["2"], images: [{ tag: "1" }] });
  expect(events.filter(({ kind }) => kind === "warning")).toHaveLength(1);
});

test("a layout's or an archive's layer that is there in part is read from there on", async () => {
  const { from, to, home } = await place();
  const content = randomContent("large", 3_000_000);
  const image = makeImage({ layers: [{ files: [{ path: "large", content }] }] });
  await saveMade(image, from, "1");
  const archive = join(home, "a.tar");
  await copy(`oci:${from}:1`, `oci-archive:${archive}:1`);
  const { descriptor, bytes = Buffer.alloc(0) } = image.layers[0] ?? {};
  const digest = descriptor?.digest ?? "";
  // The beginnings are damaged, so whoever reads them fails.
  for (const path of [blobPath(from, digest), archive]) {
    const whole = await readFile(path);
    whole.fill(0, whole.indexOf(bytes), whole.indexOf(bytes) + 1_000_000);
    await writeFile(path, whole);
  }
  for (const [i, source] of [`oci:${from}:1`, `oci-archive:${archive}:1`].entries()) {
    const target = `${to}${i}`;
    await openLayout(target, { create: true }, unstoppable);
    const part = join(target, ownerlessName("partial", digest.replace(":", "-")));
    await writeFile(part, bytes.subarray(0, 1_500_000));
    expect((await copy(source, `oci:${target}:1`)).images).toHaveLength(1);
    expect((await readFile(blobPath(target, digest))).equals(bytes)).toBe(true);
  }
});

test("an archive has the same bytes whoever was first", async () => {
  const { from, home } = await place();
  await saveMade(makeIndex([amd64, arm64]), from, "1");
  const files = ["a.tar", "b.tar"].map((name) => join(home, name));
  for (const [i, file] of files.entries()) {
    await copy(`oci:${from}:1`, `oci-archive:${file}:1`, { jobs: i * 7 + 1 });
  }
  const [a, b] = await Promise.all(files.map((file) => readFile(file)));
  expect(a?.equals(b ?? Buffer.alloc(0))).toBe(true);
});
