import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { formatPlatform } from "../../src/model/platform.ts";
import { type ComposeOptions, type ComposeResult, compose } from "../../src/ops/compose.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { putImage, putIndex, readIndex } from "./support/images.ts";
import { attestationOf, baseFor, builderFor, platformsIn, putPlatforms } from "./support/platform-images.ts";

let layouts: string;

beforeEach(async () => {
  layouts = await temporaryDirectory("platforms");
});

interface Run {
  readonly result: ComposeResult;
  readonly events: readonly TransferEvent[];
}

async function run(flags: ComposeFlags, options: ComposeOptions = {}): Promise<Run> {
  const events: TransferEvent[] = [];
  const plan = parseComposeFlags({
    builder: `oci:${layouts}:builder`,
    base: `oci:${layouts}:base`,
    directory: ["/app:/srv/app"],
    tag: [`oci:${layouts}:out`],
    ...flags,
  });
  const result = await compose(plan, { onTransfer: (event) => events.push(event), ...options });
  return { result, events };
}

const platformNames = (): Promise<string[]> => platformsIn(layouts, "out");

describe("several platforms", () => {
  it("make an index whose images are those that each platform makes alone, in the order asked for", async () => {
    const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"];
    await putPlatforms(layouts, "builder", platforms);
    await putPlatforms(layouts, "base", platforms);
    const asked = ["linux/arm64", "linux/arm/v7", "linux/amd64"];
    const { result } = await run({ platform: asked.join(","), chown: "web", annotation: ["k=v"] });

    const index = await readIndex(layouts, "out");
    expect(await platformNames()).toEqual(asked);
    expect(index.mediaType).toBe(mediaTypes.oci.index);
    expect(index.annotations).toEqual({
      k: "v",
      "org.opencontainers.image.base.digest": (await readIndex(layouts, "base")).digest,
    });
    const alone = [];
    for (const platform of asked) {
      const single = await run({ platform, chown: "web", annotation: ["k=v"], tag: [`oci:${layouts}:one`] });
      alone.push(single.result.descriptor);
    }
    expect(index.manifests.map(({ platform: _, ...descriptor }) => descriptor)).toEqual(alone);

    expect(result).toMatchObject({
      kind: "index",
      descriptor: { digest: index.digest, mediaType: mediaTypes.oci.index },
      pushed: [{ digest: index.digest, tags: ["out"] }],
    });
    expect(result.platforms.map(formatPlatform)).toEqual(asked);
    expect(result.images.map(({ descriptor }) => descriptor)).toEqual(alone);
  });

  it("all come to those that base and builder have, in the base's order, without attestations and Windows", async () => {
    await putPlatforms(layouts, "builder", ["linux/arm64", "linux/riscv64", "linux/amd64", "linux/arm/v6"]);
    await putPlatforms(
      layouts,
      "base",
      ["windows/amd64", "linux/s390x", "linux/arm/v7", "linux/amd64", "linux/arm64"],
      [attestationOf(`sha256:${"b".repeat(64)}`)],
    );
    await run({ platform: "all" });
    expect(await platformNames()).toEqual(["linux/arm/v7", "linux/amd64", "linux/arm64"]);
  });

  it("all come to an index also where it is one, of an image that is no index", async () => {
    await putImage(layouts, "builder", builderFor("linux/arm64"));
    await putImage(layouts, "base", baseFor("linux/arm64"));
    await run({ platform: "all" });
    expect(await platformNames()).toEqual(["linux/arm64"]);
  });

  it("are those of the builders on scratch", async () => {
    await putPlatforms(layouts, "builder", ["linux/arm64", "linux/amd64"]);
    await run({ base: "scratch", platform: "all" });
    expect(await platformNames()).toEqual(["linux/arm64", "linux/amd64"]);
  });

  it("are named as the base's index names them; one that a lower variant serves is named as asked for", async () => {
    await putPlatforms(layouts, "builder", ["linux/arm64", "linux/arm/v6"]);
    await putPlatforms(layouts, "base", ["linux/arm64/v8", "linux/arm/v6"]);
    await run({ platform: "linux/arm64,linux/arm/v7" });
    expect(await platformNames()).toEqual(["linux/arm64/v8", "linux/arm/v7"]);
  });

  it("take a builder of a single platform where that is said", async () => {
    await putImage(layouts, "builder", builderFor("linux/amd64"));
    await putPlatforms(layouts, "base", ["linux/amd64", "linux/arm64"]);
    const { result } = await run({ platform: "all", builderPlatform: "linux/amd64", link: true });
    expect(await platformNames()).toEqual(["linux/amd64", "linux/arm64"]);
    const [one, other] = result.images;
    expect(other?.layer).toEqual(one?.layer);
    expect(other?.descriptor).not.toEqual(one?.descriptor);
  });

  it("of the docker family make a manifest list without annotations", async () => {
    for (const [tag, make] of [
      ["builder", builderFor],
      ["base", baseFor],
    ] as const) {
      await putIndex(layouts, tag, {
        "linux/amd64": { ...make("linux/amd64"), family: "docker" },
        "linux/arm64": { ...make("linux/arm64"), family: "docker" },
      });
    }
    await run({ platform: "all" });
    const index = await readIndex(layouts, "out");
    expect(index.mediaType).toBe(mediaTypes.docker.index);
    expect(index.manifests.map(({ mediaType }) => mediaType)).toEqual(
      Array(2).fill(mediaTypes.docker.manifest),
    );
    expect(index.annotations).toBeUndefined();
  });

  it("give the same index however little memory and however few readings at once there are", async () => {
    const platforms = ["amd64", "arm64", "riscv64", "s390x", "ppc64le", "386", "loong64", "arm/v7"].map(
      (name) => `linux/${name}`,
    );
    await putPlatforms(layouts, "builder", platforms);
    await putPlatforms(layouts, "base", platforms);
    const wide = await run({ platform: "all" });
    const narrow = await run({ platform: "all" }, { jobs: 1, memoryLimit: 0 });
    expect(wide.result.images).toHaveLength(8);
    expect(narrow.result.descriptor).toEqual(wide.result.descriptor);
  });
});

describe("several platforms that cannot be composed", () => {
  const refusals: readonly {
    readonly title: string;
    readonly builder: readonly string[];
    readonly base: readonly string[];
    readonly flags: ComposeFlags;
    readonly error: object;
  }[] = [
    {
      title: "one that the base lacks",
      builder: ["linux/amd64", "linux/arm64"],
      base: ["linux/amd64", "linux/s390x"],
      flags: { platform: "linux/amd64,linux/arm64" },
      error: {
        code: "PLATFORM_NOT_FOUND",
        message: expect.stringMatching(/^base oci:.* has no image for linux\/arm64$/),
        hint: "It has linux/amd64, linux/s390x: choose one with --platform.",
      },
    },
    {
      title: "one that the builder lacks",
      builder: ["linux/amd64", "linux/s390x"],
      base: ["linux/amd64", "linux/arm64"],
      flags: { platform: ["linux/amd64", "linux/arm64"] },
      error: {
        code: "PLATFORM_NOT_FOUND",
        message: expect.stringMatching(/^builder oci:.* has no image for linux\/arm64$/),
        hint: "It has linux/amd64, linux/s390x: choose one with --builder-platform.",
      },
    },
    {
      title: "all where there are none in common",
      builder: ["linux/amd64", "linux/arm/v7"],
      base: ["linux/arm64", "linux/arm/v6"],
      flags: { platform: "all" },
      error: {
        code: "PLATFORM_NOT_FOUND",
        message: expect.stringMatching(/^no platform is in all of base oci:.*:base, builder oci:.*:builder$/),
        hint: expect.stringMatching(
          /base has linux\/arm64, linux\/arm\/v6; .*builder has linux\/amd64, linux\/arm\/v7\./,
        ),
      },
    },
    {
      title: "all of nothing that says what there is",
      builder: ["linux/amd64"],
      base: ["linux/amd64"],
      flags: { platform: "all", base: "scratch", builderPlatform: "linux/amd64" },
      error: { code: "USAGE", hint: expect.stringContaining("linux/amd64,linux/arm64") },
    },
    {
      title: "files that one platform's builder lacks, with its name",
      builder: ["linux/amd64", "linux/arm64"],
      base: ["linux/amd64", "linux/arm64"],
      flags: { platform: "all", directory: ["/none"] },
      error: {
        code: "SOURCE_NOT_FOUND",
        message: expect.stringMatching(/builder oci:.*:builder \(linux\/(amd64|arm64)\).*none/),
      },
    },
  ];

  it.each(refusals)("are refused: $title", async ({ builder, base, flags, error }) => {
    await putPlatforms(layouts, "builder", builder);
    await putPlatforms(layouts, "base", base);
    await expect(run(flags)).rejects.toMatchObject(error);
    await expect(readIndex(layouts, "out")).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
  });

  it("are refused where the base is one image, for another platform", async () => {
    await putPlatforms(layouts, "builder", ["linux/amd64", "linux/arm64"]);
    await putImage(layouts, "base", baseFor("linux/amd64"));
    await expect(run({ platform: "linux/amd64,linux/arm64" })).rejects.toMatchObject({
      code: "PLATFORM_MISMATCH",
      message: expect.stringMatching(/^base .* is for linux\/amd64, not for linux\/arm64$/),
    });
  });

  it("are refused where the base's manifests are of two formats, unless one is chosen", async () => {
    await putPlatforms(layouts, "builder", ["linux/amd64", "linux/arm64"]);
    await putIndex(layouts, "base", {
      "linux/amd64": baseFor("linux/amd64"),
      "linux/arm64": { ...baseFor("linux/arm64"), family: "docker" },
    });
    await expect(run({ platform: "all" })).rejects.toMatchObject({
      code: "FORMAT_UNSUPPORTED",
      message: expect.stringContaining("linux/amd64 in oci, linux/arm64 in docker"),
      hint: expect.stringContaining("--format oci"),
    });
    await run({ platform: "all", format: "oci" });
    expect((await readIndex(layouts, "out")).manifests.map(({ mediaType }) => mediaType)).toEqual(
      Array(2).fill(mediaTypes.oci.manifest),
    );
  });

  it("are refused with the names of all manifests that the base's index names and that are missing", async () => {
    await putPlatforms(layouts, "builder", ["linux/amd64", "linux/arm64", "linux/s390x"]);
    await putPlatforms(layouts, "base", ["linux/amd64", "linux/arm64", "linux/s390x"]);
    const { manifests } = await readIndex(layouts, "base");
    const [, ...lost] = manifests.map(({ digest }) => digest);
    for (const digest of lost) await rm(join(layouts, "blobs", ...digest.split(":")));
    await expect(run({ platform: "all" })).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: expect.stringContaining(
        `its index names manifests that are not there: ${lost[0]} (linux/arm64), ${lost[1]} (linux/s390x)`,
      ),
    });
  });
});
