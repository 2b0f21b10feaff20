import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeConfigured } from "../../src/cli/config-report.ts";
import { type ConfigEditFlags, parseConfigFlags } from "../../src/frontends/flags/config-flags.ts";
import { unstoppable } from "../../src/io/call.ts";
import { parseLocation } from "../../src/model/location.ts";
import { parsePlatform } from "../../src/model/platform.ts";
import { type ConfigureOptions, configureImage } from "../../src/ops/configure-image.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import {
  type MadeImage,
  makeAttestation,
  makeImage,
  makeIndex,
  saveMade,
  sha256,
} from "../support/make-image.ts";
import { temporaryDirectory } from "../support/temp.ts";

const execution = {
  Env: ["PATH=/bin", "OLD=1"],
  Labels: { vendor: "base", old: "1" },
  Cmd: ["sh"],
  User: "root",
  Volumes: { "/data": {} },
};
const image = (architecture: string) =>
  makeImage({
    layers: [{ files: [{ path: `${architecture}/` }] }],
    architecture,
    execution,
    created: "2026-01-01T00:00:00Z",
  });
const [amd64, arm64] = [image("amd64"), image("arm64")];

async function configured(made: MadeImage, flags: ConfigEditFlags, options: ConfigureOptions = {}) {
  const directory = await temporaryDirectory("configure");
  const name = await saveMade(made, directory, "before");
  const edit = parseConfigFlags(flags);
  const result = await configureImage(
    parseLocation(name),
    edit,
    [parseLocation(`oci:${directory}:after`)],
    options,
  );
  const layout = await openLayout(directory, {}, unstoppable);
  const document = async (digest: string) => JSON.parse((await blobText(directory, digest)).toString());
  const top = options.dryRun
    ? undefined
    : JSON.parse(Buffer.from((await layout.manifest({ tag: "after" }, unstoppable)).bytes).toString());
  return { result, directory, top, document, layout };
}

async function blobText(directory: string, digest: string): Promise<Buffer> {
  return readFile(join(directory, "blobs", "sha256", digest.slice("sha256:".length)));
}

test("an image gets the changes, a history entry without a layer, and keeps its layers and unknown fields", async () => {
  const { result, top, document } = await configured(amd64, {
    env: ["PATH=/usr/bin", "NEW=2"],
    unsetEnv: ["OLD"],
    label: ["team=blue"],
    unsetLabel: ["old"],
    entrypoint: "node",
    annotation: ["org.example=x"],
    unset: ["user"],
  });
  expect(top.layers).toEqual(amd64.layers.map(({ descriptor }) => descriptor));
  expect(top.annotations).toEqual({ "org.example": "x" });
  const config = await document(top.config.digest);
  expect(config.config).toEqual({
    Env: ["PATH=/usr/bin", "NEW=2"],
    Labels: { vendor: "base", team: "blue" },
    Entrypoint: ["node"],
    Volumes: { "/data": {} },
  });
  expect(config.created).toBe("2026-01-01T00:00:00Z");
  expect(config.history).toEqual([
    { created_by: "made layer 1" },
    {
      created: "2026-01-01T00:00:00Z",
      created_by:
        'UNSET user; UNSET ENV OLD; UNSET LABEL old; ENV PATH="/usr/bin" NEW="2"; LABEL team="blue"; ENTRYPOINT ["node"] # compose-image config',
      empty_layer: true,
    },
  ]);
  expect(result.pushed).toMatchObject([{ digest: result.descriptor.digest, tags: ["after"] }]);
  expect(describeConfigured(result)).toContain("- Env PATH=/bin\n+ Env PATH=/usr/bin\n");
});

test("of an index every child is changed, and attestations of what is no more are left out", async () => {
  const index = makeIndex([amd64, arm64, makeAttestation(amd64)]);
  const { top, document, result } = await configured(index, {
    label: ["team=blue"],
    indexAnnotation: ["org.example=index"],
  });
  expect(top.manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64" },
  ]);
  expect(top.annotations).toEqual({ "org.example": "index" });
  for (const [i, entry] of top.manifests.entries()) {
    const manifest = await document(entry.digest);
    expect(manifest.layers).toEqual([amd64, arm64][i]?.layers.map(({ descriptor }) => descriptor));
    expect((await document(manifest.config.digest)).config.Labels).toMatchObject({ team: "blue" });
  }
  expect(result.dropped).toHaveLength(1);
  expect(describeConfigured(result)).toMatch(/^left out: attestation sha256:/m);
});

test("with a platform the others of an index stay as they are, attestations included", async () => {
  const index = makeIndex([amd64, arm64, makeAttestation(amd64)]);
  const { top, result } = await configured(
    index,
    { user: "web" },
    { platforms: [parsePlatform("linux/arm64")] },
  );
  const before = JSON.parse(Buffer.from(index.top.bytes).toString());
  expect(top.manifests[0]).toEqual(before.manifests[0]);
  expect(top.manifests[1].digest).not.toBe(before.manifests[1].digest);
  expect(top.manifests[2]).toEqual(before.manifests[2]);
  expect(result.images).toHaveLength(1);
});

test("what is there already changes nothing, not even the index's bytes", async () => {
  const index = makeIndex([amd64, arm64]);
  const { result } = await configured(index, { label: ["vendor=base"], env: ["OLD=1"] });
  expect(result.descriptor.digest).toBe(index.top.descriptor.digest);
  expect(result.images.every(({ before, after }) => before === after)).toBe(true);
});

test("annotations alone leave the configuration as it is, and the same changes give the same bytes", async () => {
  const flags = { annotation: ["b=2", "a=1"] };
  const [one, two] = [await configured(amd64, flags), await configured(amd64, flags)];
  expect(one.top.config).toEqual(amd64.configs[0]?.descriptor);
  expect(Object.keys(one.top.annotations)).toEqual(["a", "b"]);
  expect(two.result.descriptor).toEqual(one.result.descriptor);
});

test("the source date epoch is the time of what is changed", async () => {
  const { top, document } = await configured(amd64, { user: "web" }, { sourceDateEpoch: 1 });
  const config = await document(top.config.digest);
  expect(config.created).toBe("1970-01-01T00:00:01Z");
  expect(config.history.at(-1).created).toBe("1970-01-01T00:00:01Z");
});

test("a dry run says the digest and writes nothing", async () => {
  const { result, layout } = await configured(amd64, { user: "web" }, { dryRun: true });
  expect(await layout.tags(unstoppable)).toEqual(["before"]);
  expect(result).toMatchObject({ pushed: [], images: [{ config: [{ field: "User", after: "web" }] }] });
});

const docker = makeImage({ layers: [{ files: [{ path: "etc/" }] }], family: "docker" });
const mixed = (() => {
  const document = JSON.parse(Buffer.from(docker.top.bytes).toString());
  document.layers[0].mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = sha256(bytes);
  return { ...docker, top: { descriptor: { ...docker.top.descriptor, digest, size: bytes.length }, bytes } };
})();

test.each<[string, MadeImage, ConfigEditFlags, ConfigureOptions, string, RegExp]>([
  [
    "annotations in Docker's format",
    docker,
    { annotation: ["a=1"] },
    {},
    "FORMAT_UNSUPPORTED",
    /no annotations/,
  ],
  ["annotations of no index", amd64, { indexAnnotation: ["a=1"] }, {}, "USAGE", /has no index/],
  [
    "a platform that is not there",
    makeIndex([amd64, arm64]),
    { user: "web" },
    { platforms: [parsePlatform("linux/s390x")] },
    "PLATFORM_NOT_FOUND",
    /no image for linux\/s390x/,
  ],
  [
    "a platform that is there twice",
    makeIndex([amd64, { ...arm64, architecture: "amd64" }]),
    { user: "web" },
    { platforms: [parsePlatform("linux/amd64")] },
    "PLATFORM_MISMATCH",
    /2 images for linux\/amd64/,
  ],
  ["media types of both families", mixed, { user: "web" }, {}, "MANIFEST_INVALID", /docker.*oci/],
])("%s are an error, and nothing is tagged", async (_, made, flags, options, code, message) => {
  const directory = await temporaryDirectory("configure");
  const name = await saveMade(made, directory, "before");
  const target = parseLocation(`oci:${directory}:after`);
  await expect(
    configureImage(parseLocation(name), parseConfigFlags(flags), [target], options),
  ).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/./),
  });
  const layout = await openLayout(directory, {}, unstoppable);
  expect(await layout.tags(unstoppable)).toEqual(["before"]);
});

test("an index whose manifests are not all there is refused with the missing ones named", async () => {
  const directory = await temporaryDirectory("configure");
  const name = await saveMade(makeIndex([amd64, arm64]), directory, "before");
  const { digest } = arm64.top.descriptor;
  await rm(join(directory, "blobs", "sha256", digest.slice("sha256:".length)));
  const target = parseLocation(`oci:${directory}:after`);
  await expect(
    configureImage(parseLocation(name), parseConfigFlags({ user: "web" }), [target]),
  ).rejects.toMatchObject({
    code: "MANIFEST_NOT_FOUND",
    message: expect.stringContaining(`linux/arm64 ${digest}`),
  });
});
