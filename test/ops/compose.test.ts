import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { type ComposeOptions, type ComposeResult, compose } from "../../src/ops/compose.ts";
import { dir, file, symlink, whiteout } from "../layers/support/entries.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { type ImageSpec, putImage, putIndex, type ReadImage, readImage } from "./support/images.ts";

/** Keys of the record, as users see them. */
const recordKeys = {
  builders: "io.github.compose-image.builders",
  copy: "io.github.compose-image.copy",
  ground: "io.github.compose-image.ground",
  config: "io.github.compose-image.config",
};

const builder: ImageSpec = {
  layers: [
    [dir("app"), file("app/old", "old"), file("app/f", "1"), file("other", "x".repeat(1000))],
    [whiteout("app/old"), file("app/f", "2")],
  ],
  config: { created: "2026-03-01T00:00:00Z" },
};
const base: ImageSpec = {
  layers: [
    [
      dir("etc"),
      file(
        "etc/passwd",
        "root:x:0:0:root:/:/bin/sh\nbroken:x:abc:1::/:\napp:x:1001:2002::/:\nbroken:x:5:::/:\n",
      ),
      file("etc/group", "root:x:0:\nstaff:x:50:app\n"),
      dir("srv", { mode: 0o2775, gid: 50 }),
    ],
  ],
  execution: { Env: ["PATH=/bin", "A=1", "A=2"], Cmd: ["sh"], WorkingDir: "/srv/", Labels: { kept: "1" } },
  config: { created: "2025-01-01T00:00:00Z", author: "someone", future: { field: 1 } },
};

interface Composed extends ReadImage {
  readonly result: ComposeResult;
  readonly directory: string;
  readonly events: readonly TransferEvent[];
}

async function layoutOf(images: Readonly<Record<string, ImageSpec>> = { builder, base }): Promise<string> {
  const directory = await temporaryDirectory("ops");
  for (const [tag, image] of Object.entries(images)) await putImage(directory, tag, image);
  return directory;
}

async function composed(
  flags: ComposeFlags = {},
  options: ComposeOptions = {},
  given?: string,
): Promise<Composed> {
  const directory = given ?? (await layoutOf());
  const events: TransferEvent[] = [];
  const plan = parseComposeFlags({
    builder: `oci:${directory}:builder`,
    base: `oci:${directory}:base`,
    directory: ["/app:/srv/app"],
    tag: [`oci:${directory}:out`],
    ...flags,
  });
  const result = await compose(plan, { onTransfer: (event) => events.push(event), ...options });
  return { ...(await readImage(directory, "out")), result, directory, events };
}

describe("a composed image", () => {
  it("is the base's layers and exactly one more, with what was copied", async () => {
    const { manifest, config, topLayer, result, digest } = await composed();
    expect(manifest.layers).toHaveLength(2);
    expect(topLayer).toEqual(["srv/", "srv/app/", "srv/app/f"]);
    expect(config.rootfs.diff_ids).toHaveLength(2);
    expect(config.rootfs.diff_ids.at(-1)).toBe(result.images[0]?.diffId);
    expect(result.images[0]?.descriptor.digest).toBe(digest);
    expect(result.images[0]?.layerEntries).toBe(3);
    expect(result.pushed).toEqual([{ name: expect.stringMatching(/^oci:/), digest, tags: ["out"] }]);
    expect(result.platforms[0]).toEqual({ os: "linux", architecture: "amd64" });
  });

  it("keeps all of the base's configuration that nobody changes", async () => {
    const { config } = await composed();
    expect(config).toMatchObject({
      author: "someone",
      future: { field: 1 },
      os: "linux",
      architecture: "amd64",
    });
    expect(config.config).toEqual(base.execution);
  });

  it("has one history entry a layer, the last one its own", async () => {
    const { config } = await composed({
      historyComment: "by hand",
      chown: "app",
      chmod: "750",
      exclude: ["x"],
    });
    expect(config.history).toEqual([
      { created_by: "step 1" },
      {
        created: "2026-03-01T00:00:00Z",
        created_by: "COPY --from=builder --chown=app --chmod=750 --exclude=x /app /srv/app # compose-image",
        comment: "by hand",
      },
    ]);
  });

  it("merges variables, labels and ports over the base's, and replaces the rest", async () => {
    const { config } = await composed({
      env: ["NEW=1", "A=3", "PATH=/opt"],
      label: ["b=2", "a=1"],
      expose: ["80"],
      workdir: "sub/../x/",
      user: "app",
      cmd: '["run"]',
    });
    expect(config.config).toEqual({
      Env: ["PATH=/opt", "A=3", "NEW=1"],
      Cmd: ["run"],
      WorkingDir: "/srv/x",
      Labels: { kept: "1", a: "1", b: "2" },
      ExposedPorts: { "80/tcp": {} },
      User: "app",
    });
  });

  it("loses the base's command to a new entrypoint, unless it has a new one too", async () => {
    expect((await composed({ entrypoint: '["x"]' })).config.config).not.toHaveProperty("Cmd");
    expect((await composed({ entrypoint: '["x"]', cmd: '["y"]' })).config.config).toMatchObject({
      Entrypoint: ["x"],
      Cmd: ["y"],
    });
    expect((await composed({ cmd: "[]" })).config.config.Cmd).toEqual([]);
  });

  it("is the same bytes from the same images, whatever runs at once and however little memory there is", async () => {
    const directory = await layoutOf();
    const digests = new Set<string>();
    for (const options of [{}, { jobs: 1 }, { jobs: 9, memoryLimit: 0 }])
      digests.add((await composed({}, options, directory)).digest);
    expect(digests.size).toBe(1);
  });

  it("is the bytes it has always been", async () => {
    const { result } = await composed({ record: "none", sourceDateEpoch: 1000 });
    expect(result.images[0]?.diffId).toBe(
      "sha256:e903e953be443d571b269c02ad7a175eb5204f6bd4c0f02cb6e3ce6a4eed1228",
    );
    expect(result.images[0]?.config.digest).toBe(
      "sha256:d74c3d490b11e8d6d9d64f010b39041bd16a840941f593e8375300daa70f22b9",
    );
  });
});

describe("relative paths and the working directory", () => {
  it("are meant from the image's working directory, the new one if there is one", async () => {
    expect((await composed({ directory: ["/app:x"] })).topLayer).toEqual(["srv/", "srv/x/", "srv/x/f"]);
    expect((await composed({ directory: ["/app:x"], workdir: "/w" })).topLayer).toEqual([
      "w/",
      "w/x/",
      "w/x/f",
    ]);
    expect((await composed({ directory: ["/app:x"], workdir: "deep/er" })).topLayer).toContain(
      "srv/deep/er/x/f",
    );
  });

  it("that neither base nor copies hold is made, 0755 0:0 even with chown, and not with link", async () => {
    expect((await composed({ workdir: "/made/here", chown: "7" })).topLayer).toEqual([
      "made/",
      "made/here/",
      "srv/",
      "srv/app/",
      "srv/app/f",
    ]);
    expect((await composed({ workdir: "/etc" })).topLayer).not.toContain("etc/");
    expect((await composed({ workdir: "/made", link: true })).topLayer).not.toContain("made/");
  });
});

describe("owners", () => {
  it.each([
    ["app", 1001, 2002],
    ["app:staff", 1001, 50],
    [":staff", 0, 50],
    ["7", 7, 7],
    ["7:staff", 7, 50],
  ])("%s are looked up in the base: %d:%d", async (chown, uid, gid) => {
    const { result, config } = await composed({ chown });
    expect(result.images[0]).toBeDefined();
    expect(config.rootfs.diff_ids.at(-1)).toBe(
      (await composed({ chown: `${uid}:${gid}` })).config.rootfs.diff_ids.at(-1),
    );
  });

  it.each([
    ["nobody", 'has no user "nobody" in /etc/passwd'],
    ["app:nogroup", 'has no group "nogroup" in /etc/group'],
    ["broken", 'has no user "broken" in /etc/passwd'],
  ])("%s that the base does not know are an error", async (chown, message) => {
    await expect(composed({ chown })).rejects.toMatchObject({
      code: "USER_UNKNOWN",
      message: expect.stringContaining(message),
    });
  });

  it("are found through symlinks of the base, and with link too", async () => {
    const directory = await layoutOf({
      builder,
      base: { layers: [[symlink("etc", "usr/etc"), file("usr/etc/passwd", "app:x:9:8::/:")]] },
    });
    const named = await composed({ chown: "app", link: true }, {}, directory);
    const numbered = await composed({ chown: "9:8", link: true }, {}, directory);
    expect(named.result.images[0]?.diffId).toBe(numbered.result.images[0]?.diffId);
  });

  it("by name are unknown to scratch", async () => {
    await expect(composed({ base: "scratch", chown: "app" })).rejects.toMatchObject({
      code: "USER_UNKNOWN",
      message: expect.stringContaining("scratch has no user"),
    });
  });
});

describe("the record", () => {
  it("is in annotations: the base by name and digest, builders, copies and changes under the project's keys", async () => {
    const directory = await layoutOf();
    const { manifest, config } = await composed(
      { user: "app", chown: "app", chmod: "7", exclude: ["x"], link: true },
      {},
      directory,
    );
    const builderDigest = await readImageDigest(directory, "builder");
    expect(manifest.annotations).toEqual({
      "org.opencontainers.image.base.digest": await readImageDigest(directory, "base"),
      [recordKeys.builders]: JSON.stringify([{ digest: builderDigest }]),
      [recordKeys.copy]: JSON.stringify([
        { from: 0, src: ["/app"], dst: "/srv/app", chown: "app", chmod: "0007", exclude: ["x"], link: true },
      ]),
      [recordKeys.config]: JSON.stringify({ user: "app" }),
      [recordKeys.ground]: JSON.stringify({
        layer: config.rootfs.diff_ids.at(-1),
        entries: { "/srv": "0007 1001:2002", "/srv/app": "0007 1001:2002 closed" },
        owners: ["1001:2002"],
      }),
    });
  });

  it("holds nothing of the base where all is linked by number, and of files only those the base has a say in", async () => {
    const { manifest } = await composed({ chown: "1:2", link: true });
    expect(manifest.annotations).not.toHaveProperty([recordKeys.ground]);
    const many = Array.from({ length: 200 }, (_, i) => file(`app/${i}`));
    const directory = await layoutOf({ builder: { layers: [[dir("app"), ...many]] }, base });
    const apart = await composed({ directory: ["/app:/new"] }, {}, directory);
    const { entries } = JSON.parse(apart.manifest.annotations?.[recordKeys.ground] ?? "");
    expect(entries).toEqual({ "/new": "0755 0:0 closed" });
    const among = await composed({ directory: ["/app:/etc"] }, {}, directory);
    expect(among.manifest.annotations).not.toHaveProperty([recordKeys.ground]);
  });

  it("holds neither targets nor paths of this machine", async () => {
    const { manifest, config, directory } = await composed();
    expect(JSON.stringify({ annotations: manifest.annotations, config })).not.toContain(directory);
  });

  it("can be left out; then the digest depends on base, files and options alone", async () => {
    const same = { ...builder, config: { created: "2020-01-01T00:00:00Z", comment: "made otherwise" } };
    const one = await composed({ record: "none" });
    const other = await composed({ record: "none" }, {}, await layoutOf({ builder: same, base }));
    expect(other.digest).toBe(one.digest);
    expect(Object.keys(one.manifest.annotations ?? {})).toEqual(["org.opencontainers.image.base.digest"]);
    const kept = [await composed(), await composed({}, {}, await layoutOf({ builder: same, base }))];
    expect(kept[0]?.digest).not.toBe(kept[1]?.digest);
  });

  it("goes with the user's annotations, which win", async () => {
    const { manifest } = await composed({ annotation: ["x=1", "org.opencontainers.image.base.digest=mine"] });
    expect(manifest.annotations).toMatchObject({ x: "1", "org.opencontainers.image.base.digest": "mine" });
  });
});

describe("the time of creation", () => {
  const createdOf = async (flags: ComposeFlags, images: Record<string, ImageSpec> = { builder, base }) => {
    const { config } = await composed(flags, {}, await layoutOf(images));
    expect(config.history.at(-1)?.created).toBe(config.created);
    return config.created;
  };
  const timeless = { ...builder, config: {} };

  it("is the builder's with the record, else the base's, else the epoch; never the clock", async () => {
    expect(await createdOf({})).toBe("2026-03-01T00:00:00Z");
    expect(await createdOf({ record: "none" })).toBe("2025-01-01T00:00:00Z");
    expect(await createdOf({}, { builder: timeless, base })).toBe("2025-01-01T00:00:00Z");
    expect(await createdOf({}, { builder: timeless, base: { ...base, config: {} } })).toBe(
      "1970-01-01T00:00:00Z",
    );
    expect(await createdOf({ base: "scratch", record: "none" })).toBe("1970-01-01T00:00:00Z");
    expect(await createdOf({}, { builder: { ...builder, config: { created: "garbage" } }, base })).toBe(
      "2025-01-01T00:00:00Z",
    );
  });

  it("is the source date epoch where one is given", async () => {
    expect(await createdOf({ sourceDateEpoch: 1_700_000_000 })).toBe("2023-11-14T22:13:20Z");
    expect(await createdOf({ sourceDateEpoch: "0" })).toBe("1970-01-01T00:00:00Z");
  });
});

describe("media types", () => {
  const docker: ImageSpec = { ...base, family: "docker" };

  it("follow the base's family", async () => {
    const { manifest, config } = await composed({}, {}, await layoutOf({ builder, base: docker }));
    expect(manifest.mediaType).toBe(mediaTypes.docker.manifest);
    expect(manifest.config.mediaType).toBe(mediaTypes.docker.config);
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(
      Array(2).fill(mediaTypes.docker.layerGzip),
    );
    expect(manifest).not.toHaveProperty("annotations");
    expect(config.config.Labels).toMatchObject({
      kept: "1",
      [recordKeys.copy]: expect.stringContaining("/srv/app"),
      "org.opencontainers.image.base.digest": expect.stringMatching(/^sha256:/),
    });
  });

  it("are converted, blobs untouched", async () => {
    for (const [from, to] of [
      [docker, "oci"],
      [base, "docker"],
    ] as const) {
      const directory = await layoutOf({ builder, base: from });
      const before = await readImage(directory, "base");
      const { manifest } = await composed({ format: to }, {}, directory);
      expect(manifest.mediaType).toBe(mediaTypes[to].manifest);
      expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(
        Array(2).fill(mediaTypes[to].layerGzip),
      );
      expect(manifest.layers[0]?.digest).toBe(before.manifest.layers[0]?.digest);
    }
  });

  it("of Docker have no annotations, and a user's are refused before anything is read", async () => {
    await expect(composed({ format: "docker", annotation: ["a=b"] })).rejects.toMatchObject({
      code: "FORMAT_UNSUPPORTED",
    });
  });

  it("of OCI may have the new layer in zstd, with the files and the diffID that it has in gzip", async () => {
    const [gzip, zstd] = [
      await composed({ record: "none" }),
      await composed({ record: "none", compression: "zstd:19" }),
    ];
    expect(zstd.manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
      mediaTypes.oci.layerGzip,
      mediaTypes.oci.layerZstd,
    ]);
    expect(zstd.topLayer).toEqual(gzip.topLayer);
    expect(zstd.config).toEqual(gzip.config);
  });

  it("of Docker have no name for zstd, which is refused before anything is read", async () => {
    const directory = await layoutOf({ builder, base: docker });
    for (const [flags, given] of [
      [{ format: "docker" }, undefined],
      [{}, directory],
    ] as const) {
      await expect(composed({ ...flags, compression: "zstd" }, {}, given)).rejects.toMatchObject({
        code: "FORMAT_UNSUPPORTED",
        message: expect.stringContaining("zstd"),
        hint: expect.stringContaining("--compression gzip"),
      });
    }
  });

  it("without a counterpart cannot be converted", async () => {
    const zstd = { ...base, layerChanges: { 0: { mediaType: mediaTypes.oci.layerZstd } } };
    await expect(
      composed({ format: "docker" }, {}, await layoutOf({ builder, base: zstd })),
    ).rejects.toMatchObject({
      code: "FORMAT_UNSUPPORTED",
      hint: expect.stringContaining("--format oci"),
    });
  });
});

describe("scratch", () => {
  it("has one layer, the builder's platform, and an empty configuration with the changes", async () => {
    const { manifest, config, topLayer, result } = await composed({ base: "scratch", entrypoint: "/app/f" });
    expect(manifest.layers).toHaveLength(1);
    expect(manifest.mediaType).toBe(mediaTypes.oci.manifest);
    expect(Object.keys(manifest.annotations ?? {})).not.toContain("org.opencontainers.image.base.digest");
    expect(topLayer).toEqual(["srv/", "srv/app/", "srv/app/f"]);
    expect(config).toMatchObject({ os: "linux", architecture: "amd64", config: { Entrypoint: ["/app/f"] } });
    expect(config.history).toHaveLength(1);
    expect(result.figures.baseSize).toBe(0);
  });
});

describe("a foreign layer of the base", () => {
  it("keeps its descriptor and is not uploaded", async () => {
    const foreign = {
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      urls: ["https://elsewhere.example/layer"],
    };
    const spec = { ...base, layers: [[], ...base.layers], layerChanges: { 0: foreign } };
    const { manifest } = await composed({ link: true }, {}, await layoutOf({ builder, base: spec }));
    expect(manifest.layers[0]).toMatchObject(foreign);
    const converted = await composed(
      { link: true, format: "docker" },
      {},
      await layoutOf({ builder, base: spec }),
    );
    expect(converted.manifest.layers[0]).toMatchObject({
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      urls: foreign.urls,
    });
  });
});

describe("platforms", () => {
  const arm = (image: ImageSpec, variant?: string): ImageSpec => ({
    ...image,
    config: { ...image.config, architecture: "arm", ...(variant !== undefined && { variant }) },
  });
  const withPlatforms = async (): Promise<string> => {
    const directory = await temporaryDirectory("ops");
    for (const [tag, image] of Object.entries({ builder, base }))
      await putIndex(directory, tag, {
        "linux/amd64": image,
        "linux/arm/v6": arm(image, "v6"),
        "linux/arm64": { ...image, config: { architecture: "arm64" } },
      });
    return directory;
  };

  it("are the base's for the result and the builder", async () => {
    const { config, result } = await composed({ platform: "arm64" }, {}, await withPlatforms());
    expect(config.architecture).toBe("arm64");
    expect(result.platforms[0]).toEqual({ os: "linux", architecture: "arm64" });
  });

  it("with a lower variant serve a higher one", async () => {
    const { config } = await composed({ platform: "linux/arm/v7" }, {}, await withPlatforms());
    expect(config).toMatchObject({ architecture: "arm", variant: "v6" });
  });

  it("of the builder may differ where that is said", async () => {
    const { config } = await composed(
      { platform: "arm64", builderPlatform: "amd64" },
      {},
      await withPlatforms(),
    );
    expect(config.architecture).toBe("arm64");
  });

  it("that do not fit are refused, with the flag that helps", async () => {
    const other = await layoutOf({ builder: { ...builder, config: { architecture: "s390x" } }, base });
    await expect(composed({}, {}, other)).rejects.toMatchObject({
      code: "PLATFORM_MISMATCH",
      message: expect.stringMatching(/builder .* is for linux\/s390x, not for linux\/amd64/),
      hint: expect.stringContaining("--builder-platform"),
    });
    await expect(composed({ platform: "ppc64le" }, {}, await withPlatforms())).rejects.toMatchObject({
      code: "PLATFORM_NOT_FOUND",
    });
  });

  it("of Windows are refused", async () => {
    for (const windows of ["builder", "base"]) {
      const images = { builder, base, [windows]: { ...base, config: { os: "windows" } } };
      await expect(composed({}, {}, await layoutOf(images))).rejects.toMatchObject({
        code: "PLATFORM_UNSUPPORTED",
        message: expect.stringContaining(windows),
      });
    }
  });

  it("are not told by a configuration that disagrees with the manifest about layers", async () => {
    const broken = { ...base, config: { rootfs: { type: "layers", diff_ids: [] } } };
    await expect(composed({}, {}, await layoutOf({ builder, base: broken }))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("0 diff_ids"),
    });
  });
});

describe("history of the base", () => {
  it.each([
    ["that is missing is filled up", [], 1],
    [
      "with steps without layers stays as it is",
      [{ empty_layer: true, created_by: "ENV" }, { created_by: "RUN" }],
      2,
    ],
  ])("%s, so that entries with layers are as many as layers", async (_, history, kept) => {
    const { config } = await composed(
      {},
      {},
      await layoutOf({ builder, base: { ...base, config: { history } } }),
    );
    expect(config.history).toHaveLength(kept + 1);
    expect(config.history.filter((entry) => entry.empty_layer !== true)).toHaveLength(
      config.rootfs.diff_ids.length,
    );
  });
});

describe("a dry run", () => {
  it("that only plans reads no layer and makes nothing", async () => {
    const directory = await layoutOf();
    const out = join(directory, "not-there");
    const plan = parseComposeFlags({
      builder: `oci:${directory}:builder`,
      base: `oci:${directory}:base`,
      directory: ["/app:/srv/app"],
      tag: [`oci:${out}:1`],
    });
    const { images, descriptor, forecast, pushed } = await compose(plan, { dryRun: "plan" });
    expect(images).toEqual([]);
    expect(descriptor).toBeUndefined();
    expect(pushed).toEqual([]);
    expect(forecast?.reads).toEqual([
      { image: `builder oci:${directory}:builder`, layers: 2, bytes: expect.any(Number) },
      { image: `base oci:${directory}:base`, layers: 1, bytes: expect.any(Number) },
    ]);
    expect(forecast?.targets[0]).toMatchObject({
      presentBytes: 0,
      mountedBytes: 0,
      copiedBytes: expect.any(Number),
    });
    expect(await readdir(directory)).not.toContain("not-there");
  });

  it("that makes the layer tells the digest that pushing gives", async () => {
    const directory = await layoutOf();
    const plan = parseComposeFlags({
      builder: `oci:${directory}:builder`,
      base: `oci:${directory}:base`,
      directory: ["/app:/srv/app"],
      tag: [`oci:${directory}:out`],
    });
    const { descriptor, pushed } = await compose(plan, { dryRun: "full" });
    expect(pushed).toEqual([]);
    await expect(readImage(directory, "out")).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
    expect((await composed({}, {}, directory)).digest).toBe(descriptor?.digest);
  });
});

describe("targets", () => {
  it("in one layout are one place with several tags, written in order", async () => {
    const directory = await layoutOf();
    const { result } = await composed(
      { tag: [`oci:${directory}:out`, `oci:${directory}/.:two`, `oci:${directory}:out`] },
      {},
      directory,
    );
    expect(result.pushed.map(({ tags }) => tags)).toEqual([["out", "two"]]);
    expect((await readImage(directory, "two")).digest).toBe((await readImage(directory, "out")).digest);
  });
});

describe("a failure", () => {
  it.each<[flags: ComposeFlags, code: string]>([
    [{ directory: ["/nothing:/x"] }, "SOURCE_NOT_FOUND"],
    [{ directory: ["/app:/etc/passwd"] }, "COPY_CONFLICT"],
    [{ directory: ["/app/f:/x", "/app/[:/x/"] }, "USAGE"],
    [{ chown: "nobody" }, "USER_UNKNOWN"],
  ])("of %j moves no tag and leaves no temporary file", async (flags, code) => {
    const directory = await layoutOf();
    const temporary = await temporaryDirectory("ops-tmp");
    await expect(
      composed(flags, { temporaryDirectory: temporary, memoryLimit: 0 }, directory),
    ).rejects.toMatchObject({ code });
    await expect(readImage(directory, "out")).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
    expect(await readdir(temporary)).toEqual([]);
  });

  it("by an abort throws its reason, moves no tag and leaves no temporary file", async () => {
    const doubled = { ...builder, layers: [[file("app/f", "1"), file("app/f", "2")]] };
    for (const isAbortedFirst of [true, false]) {
      const directory = await layoutOf({ builder: doubled, base });
      const temporary = await temporaryDirectory("ops-tmp");
      const controller = new AbortController();
      const reason = new Error("enough");
      if (isAbortedFirst) controller.abort(reason);
      const options: ComposeOptions = {
        signal: controller.signal,
        temporaryDirectory: temporary,
        memoryLimit: 0,
        onTransfer: ({ kind }) => {
          if (kind === "warning") controller.abort(reason);
        },
      };
      await expect(composed({}, options, directory)).rejects.toBe(reason);
      await expect(readImage(directory, "out")).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
      expect(await readdir(temporary)).toEqual([]);
    }
  });

  it("warns of paths that a layer holds twice", async () => {
    const doubled = { ...builder, layers: [[file("app/f", "1"), file("app/f", "2")]] };
    const { events } = await composed({}, {}, await layoutOf({ builder: doubled, base }));
    expect(events).toContainEqual({
      kind: "warning",
      store: "layers",
      message: expect.stringMatching(/^builder layer 1 of .* holds \/app\/f more than once/),
    });
  });
});

async function readImageDigest(directory: string, tag: string): Promise<string> {
  return (await readImage(directory, tag)).digest;
}
