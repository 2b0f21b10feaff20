import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { imageDocument } from "../../src/cli/image-document.ts";
import { describeImage } from "../../src/cli/image-report.ts";
import { parseLocation } from "../../src/model/location.ts";
import { parsePlatform } from "../../src/model/platform.ts";
import { inspectImage, readRawManifest } from "../../src/ops/inspect-image.ts";
import { type MadeImage, makeAttestation, makeImage, makeIndex, saveMade } from "../support/make-image.ts";
import { temporaryDirectory } from "../support/temp.ts";

const amd64 = makeImage({
  layers: [{ files: [{ path: "etc/" }] }, { files: [{ path: "app/" }, { path: "app/f", content: "1" }] }],
  execution: { Env: ["PATH=/bin", "EVIL=\u001b[2J"], Entrypoint: ["node", "a b"], Labels: { team: "blue" } },
  created: "2026-01-02T03:04:05Z",
});
const arm64 = makeImage({ layers: [{ files: [{ path: "etc/" }] }], architecture: "arm64" });
const s390x = makeImage({ layers: [{ files: [{ path: "gone/" }] }], architecture: "s390x" });
const attestation = makeAttestation(amd64);
const index = makeIndex([amd64, arm64, s390x, attestation]);
let name: string;
let single: string;

const digestOf = ({ top }: MadeImage) => top.descriptor.digest;

beforeAll(async () => {
  const directory = await temporaryDirectory("inspect");
  name = await saveMade(index, directory, "index");
  single = await saveMade(amd64, directory, "single");
  await rm(join(directory, "blobs", "sha256", digestOf(s390x).slice("sha256:".length)));
});

describe("an index is told of as a tree", () => {
  test("with its platforms, attestations, and manifests that are not there", async () => {
    const tree = await inspectImage(parseLocation(name));
    expect(tree.children.map(({ kind }) => kind)).toEqual(["image", "image", "missing", "attestation"]);
    expect(imageDocument(tree)).toMatchObject({
      reference: name,
      digest: digestOf(index),
      platforms: ["linux/amd64", "linux/arm64"],
      manifests: [
        {
          kind: "image",
          digest: digestOf(amd64),
          platform: "linux/amd64",
          layersSize: amd64.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
          layers: amd64.layers.map(({ descriptor }) => ({
            ...descriptor,
            diffId: expect.stringMatching(/^sha256:/),
          })),
          config: { ...amd64.configs[0]?.descriptor, document: { config: { Labels: { team: "blue" } } } },
        },
        { kind: "image", digest: digestOf(arm64), platform: "linux/arm64" },
        { kind: "missing", digest: digestOf(s390x) },
        { kind: "attestation", digest: digestOf(attestation), subject: digestOf(amd64) },
      ],
    });
  });

  test("for people, in text that no image turns against the terminal", async () => {
    const text = describeImage(await inspectImage(parseLocation(name)));
    expect(text).toContain("platforms  linux/amd64, linux/arm64\n");
    expect(text).toContain(`\nlinux/amd64  ${digestOf(amd64)}\n`);
    expect(text).toContain(`\nmissing for linux/s390x  ${digestOf(s390x)}\n`);
    expect(text).toContain(`\nattestation for unknown/unknown  ${digestOf(attestation)}\n`);
    expect(text).toContain('entrypoint  ["node","a b"]\n');
    expect(text).toContain("EVIL=\\x1b[2J\n");
    expect(text).toContain("  made layer 2\n");
    for (const { descriptor } of amd64.layers) expect(text).toContain(descriptor.digest);
  });
});

test("a platform asked for is told of alone", async () => {
  const platform = parsePlatform("linux/arm64");
  const tree = await inspectImage(parseLocation(name), { platform });
  expect(tree.children).toMatchObject([
    { kind: "image", stored: { descriptor: { digest: digestOf(arm64) } } },
  ]);
  const raw = await readRawManifest(parseLocation(name), { platform });
  expect(Buffer.from(raw.bytes).equals(arm64.top.bytes)).toBe(true);
});

test.each([
  ["linux/riscv64", "PLATFORM_NOT_FOUND"],
  ["linux/s390x", "MANIFEST_NOT_FOUND"],
])("the bytes of %s, which is not there, are an error", async (text, code) => {
  const platform = parsePlatform(text);
  await expect(readRawManifest(parseLocation(name), { platform })).rejects.toMatchObject({ code });
});

test("an image without an index is its one manifest, and of another platform than asked for an error", async () => {
  const tree = await inspectImage(parseLocation(single));
  expect(tree.index).toBeUndefined();
  expect(describeImage(tree)).toMatch(/^platform {4}linux\/amd64$/m);
  expect(imageDocument(tree)).toMatchObject({ platforms: ["linux/amd64"], manifests: [{ kind: "image" }] });
  await expect(
    inspectImage(parseLocation(single), { platform: parsePlatform("linux/arm64") }),
  ).rejects.toMatchObject({ code: "PLATFORM_MISMATCH" });
});
