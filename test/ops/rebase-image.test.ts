import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeRebased } from "../../src/cli/rebase-report.ts";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import { parseConfigFlags } from "../../src/frontends/flags/config-flags.ts";
import { unstoppable } from "../../src/io/call.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { type ImageLocation, parseLocation } from "../../src/model/location.ts";
import { parsePlatform } from "../../src/model/platform.ts";
import { compose } from "../../src/ops/compose.ts";
import { configureImage } from "../../src/ops/configure-image.ts";
import { type RebaseOptions, rebaseImage } from "../../src/ops/rebase-image.ts";
import { recordKeys } from "../../src/ops/record.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import { dir, type EntrySpec, file, symlink } from "../layers/support/entries.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { type ImageSpec, putImage, putIndex, readImage } from "./support/images.ts";

const common: readonly EntrySpec[] = [dir("etc"), file("etc/os-release", "1")];
const accounts = (uid: number) => [file("etc/passwd", `web:x:${uid}:${uid}::/:\n`), file("etc/group", "")];

const oldBase: ImageSpec = {
  layers: [common, [file("lib", "vulnerable"), dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(1001)]],
  execution: { Env: ["PATH=/bin", "BASE=1", "GONE=1"], Cmd: ["sh"], Labels: { base: "1" } },
  config: { created: "2025-01-01T00:00:00Z" },
};
const patched = (
  entries: readonly EntrySpec[] = [dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(1001)],
): ImageSpec => ({
  layers: [common, [file("lib", "patched"), ...entries]],
  execution: { Env: ["PATH=/bin:/sbin", "BASE=2", "NEW=1"], Cmd: ["bash"], Labels: { base: "2", more: "1" } },
  config: { created: "2026-06-06T00:00:00Z" },
});
const builder: ImageSpec = {
  layers: [[dir("app"), file("app/f", "1")]],
  config: { created: "2026-01-01T00:00:00Z" },
};

/** A layout with the bases, and an image composed on the old one. */
async function scene(flags: ComposeFlags = {}, newBase: ImageSpec = patched()) {
  const directory = await temporaryDirectory("rebase");
  const at = (tag: string) => parseLocation(`oci:${directory}:${tag}`);
  await putImage(directory, "builder", builder);
  await putImage(directory, "old", oldBase);
  await putImage(directory, "new", newBase);
  const plan = parseComposeFlags({
    builder: `oci:${directory}:builder`,
    base: `oci:${directory}:old`,
    directory: ["/app:/srv/app"],
    tag: [`oci:${directory}:composed`],
    ...flags,
  });
  await compose(plan);
  const events: TransferEvent[] = [];
  const rebase = (options: RebaseOptions = {}, changes: object = {}) =>
    rebaseImage(
      { image: at("composed"), oldBase: at("old"), newBase: at("new"), targets: [at("out")], ...changes },
      { onTransfer: (event) => events.push(event), ...options },
    );
  const tags = async () => (await openLayout(directory, {}, unstoppable)).tags(unstoppable);
  return { directory, at, plan, rebase, events, tags };
}

/** The same image, saying nothing of what its layer has from the base. */
async function withoutGround(from: ImageLocation, to: ImageLocation): Promise<void> {
  await configureImage(from, parseConfigFlags({ unsetAnnotation: [recordKeys.ground] }), [to]);
}

test("a composed image gets the new base's layers, and keeps its own byte for byte", async () => {
  const { directory, rebase, events } = await scene();
  const result = await rebase();
  const [before, after, base] = [
    await readImage(directory, "composed"),
    await readImage(directory, "out"),
    await readImage(directory, "new"),
  ];
  expect(after.manifest.layers).toEqual([...base.manifest.layers, before.manifest.layers.at(-1)]);
  expect(after.config.rootfs.diff_ids).toEqual([
    ...base.config.rootfs.diff_ids,
    before.config.rootfs.diff_ids.at(-1),
  ]);
  expect(after.config.history).toEqual([...base.config.history, before.config.history.at(-1)]);
  expect(after.config.created).toBe("2026-06-06T00:00:00Z");
  expect(after.digest).toBe(result.descriptor.digest);
  expect(events.filter(({ kind }) => kind === "warning")).toEqual([]);
  const text = describeRebased(result);
  expect(text.match(/^ {2}(kept|dropped|added) /gm)?.map((line) => line.trim())).toEqual([
    "kept",
    "kept",
    "dropped",
    "added",
  ]);
});

test("it is the image that composing on the new base makes", async () => {
  const { directory, rebase, plan, at } = await scene({
    env: { BASE: "1", OWN: "1" },
    user: "1001",
    label: { mine: "1" },
  });
  await rebase();
  await compose({ ...plan, base: { kind: "image", location: at("new") }, targets: [at("again")] });
  const [rebased, again] = [await readImage(directory, "out"), await readImage(directory, "again")];
  expect(rebased.manifest.layers).toEqual(again.manifest.layers);
  expect(rebased.manifest.annotations).toEqual(again.manifest.annotations);
  const plain = ({ config: { Env, Labels, ...rest } }: { config: JsonObject }) => ({
    ...rest,
    Labels,
    Env: [...(Env as string[])].sort(),
  });
  expect(plain(rebased.config)).toEqual(plain(again.config));
  expect(rebased.config.history).toEqual(again.config.history);
});

test("settings of the application stay, those of the old base become the new one's", async () => {
  const { directory, rebase } = await scene({
    env: { PATH: "/own", BASE: "1" },
    entrypoint: "node",
    label: { base: "mine" },
  });
  await rebase();
  expect((await readImage(directory, "out")).config.config).toEqual({
    Env: ["PATH=/own", "BASE=1", "NEW=1"],
    Entrypoint: ["node"],
    Labels: { base: "mine", more: "1" },
  });
});

test.each<[string, ComposeFlags, readonly EntrySpec[], RegExp]>([
  [
    "a directory on the way has another mode",
    {},
    [dir("srv", { mode: 0o755, gid: 50 })],
    /\/srv is 2775 0:50 in the layer, and is 0755 0:50 there/,
  ],
  [
    "a directory on the way is missing",
    {},
    [file("x")],
    /\/srv is 2775 0:50 in the layer, and would be made 0755 0:0 there/,
  ],
  ["a directory on the way is a file", {}, [file("srv")], /\/srv is a directory in the layer, a file there/],
  [
    "the destination is behind a symlink",
    {},
    [dir("data", { mode: 0o2775, gid: 50 }), symlink("srv", "data")],
    /\/srv\/app leads to \/data\/app there/,
  ],
  [
    "a file is where the new base has a directory",
    {},
    [dir("srv", { mode: 0o2775, gid: 50 }), dir("srv/app/f")],
    /\/srv\/app\/f is a file in the layer, a directory there/,
  ],
  [
    "a user has another number",
    { chown: "web" },
    [dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(2002)],
    /\/srv\/app is 0755 1001:1001 in the layer, and would be made 0755 2002:2002 there, and 1 more/,
  ],
  [
    "a user of files in a directory that stays has another number",
    { chown: "web", directory: ["/app:/srv"] },
    [dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(2002)],
    /\/srv\/f belongs to 1001:1001 in the layer, which would be 2002:2002 there/,
  ],
  [
    "a user of a linked layer has another number",
    { chown: "web", link: true },
    accounts(2002),
    /\/srv\/app\/f belongs to 1001:1001 in the layer/,
  ],
  [
    "a directory has other extended attributes",
    {},
    [dir("srv", { mode: 0o2775, gid: 50, xattrs: { "user.a": "1" } })],
    /\/srv has other extended attributes/,
  ],
  [
    "a user is not known",
    { chown: "web" },
    [dir("srv", { mode: 0o2775, gid: 50 })],
    /has no user "web" in \/etc\/passwd/,
  ],
])(
  "a layer that does not fit is refused, with a hint to recompose: %s",
  async (_, flags, entries, message) => {
    const { rebase, tags, at } = await scene(flags, patched(entries));
    await expect(rebase()).rejects.toMatchObject({
      code: "REBASE_REFUSED",
      message: expect.stringMatching(message),
      hint: expect.stringContaining("compose-image recompose"),
    });
    expect(await tags()).not.toContain("out");
    await withoutGround(at("composed"), at("bare"));
    await expect(rebase({}, { image: at("bare") })).rejects.toMatchObject({
      code: "REBASE_REFUSED",
      message: expect.stringMatching(message),
    });
    await expect(rebase({ force: true })).resolves.toMatchObject({ pushed: [{ tags: ["out"] }] });
  },
);

test.each<[string, ComposeFlags, readonly EntrySpec[]]>([
  ["times differ alone", {}, [dir("srv", { mode: 0o2775, gid: 50, mtime: "5" })]],
  [
    "what was copied replaces files",
    {},
    [dir("srv", { mode: 0o2775, gid: 50 }), dir("srv/app"), file("srv/app/f")],
  ],
  ["the base has no part in the layer", { link: true }, [file("srv")]],
  [
    "a user has the same number",
    { chown: "web" },
    [dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(1001)],
  ],
  [
    "the destination is relative to the working directory",
    { directory: ["/app:app"], workdir: "/srv" },
    [dir("srv", { mode: 0o2775, gid: 50 })],
  ],
  [
    "a linked step made a directory on the way",
    { directory: ["/app:/opt/app"], link: true },
    [dir("opt", { mode: 0o700 })],
  ],
  ["all goes to the root", { directory: ["/app:/"] }, [file("x")]],
  ["nothing was copied", { directory: ["/none*:/srv/x/"] }, [symlink("srv", "data")]],
  ["directories were made", { directory: ["/app:/made/app"], chown: "7:7", workdir: "/work/x" }, [file("x")]],
  ["a made directory is there as it was made", { directory: ["/app:/made/app"] }, [dir("made")]],
])("a layer fits where %s", async (_, flags, entries) => {
  const { rebase, directory, at } = await scene(flags, patched(entries));
  await rebase();
  expect((await readImage(directory, "out")).manifest.layers).toHaveLength(3);
  await withoutGround(at("composed"), at("bare"));
  await rebase({}, { image: at("bare"), targets: [at("bare-out")] });
  expect((await readImage(directory, "bare-out")).manifest.layers).toHaveLength(3);
});

test.each<[string, ComposeFlags, readonly EntrySpec[], boolean]>([
  ["what it says of the base holds", {}, [dir("srv", { mode: 0o2775, gid: 50 })], false],
  [
    "it names the owners",
    { chown: "web" },
    [dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(1001)],
    false,
  ],
  ["linked files have a named owner", { chown: "web", link: true }, accounts(1001), false],
  ["it says what does not fit", {}, [dir("srv", { mode: 0o700 })], false],
  [
    "the new base has files in a directory that it does not list",
    {},
    [dir("srv", { mode: 0o2775, gid: 50 }), dir("srv/app"), file("srv/app/g")],
    true,
  ],
  [
    "an owner has another number",
    { chown: "web", directory: ["/app:/srv"] },
    [dir("srv", { mode: 0o2775, gid: 50 }), ...accounts(2002)],
    true,
  ],
])(
  "what the image records of its layer spares reading it, or not, where %s",
  async (_, flags, entries, isRead) => {
    const { rebase, directory } = await scene(flags, patched(entries));
    const [layer] = (await readImage(directory, "composed")).manifest.layers.slice(-1);
    await rm(join(directory, "blobs", "sha256", layer?.digest.slice("sha256:".length) ?? ""));
    const outcome = await rebase({ dryRun: true }).then(
      () => "fits",
      ({ code }) => code,
    );
    if (isRead) expect(outcome).toBe("BLOB_NOT_FOUND");
    else expect(outcome).toMatch(/^(?:fits|REBASE_REFUSED)$/);
  },
);

test("a record of another layer, or one that is damaged, decides nothing", async () => {
  const { rebase, at, directory } = await scene({}, patched([dir("srv", { mode: 0o700 })]));
  const { config } = await readImage(directory, "composed");
  const layer = config.rootfs.diff_ids.at(-1);
  const fitting = { "/srv": "0700 0:0", "/srv/app": "0755 0:0 closed" };
  const lies = [
    JSON.stringify({ layer: config.rootfs.diff_ids[0], entries: fitting }),
    JSON.stringify({ layer, entries: { ...fitting, "/srv/../x": "file" } }),
    JSON.stringify({ layer, entries: { "/srv/app": "0755 0:0" } }),
    JSON.stringify({ layer, entries: { "/srv": "rwx" } }),
    JSON.stringify({ layer, entries: fitting, owners: ["web"] }),
    "{",
  ];
  for (const lie of lies) {
    const edit = parseConfigFlags({ annotation: [`${recordKeys.ground}=${lie}`] });
    await configureImage(at("composed"), edit, [at("lying")]);
    await expect(rebase({}, { image: at("lying") })).rejects.toMatchObject({ code: "REBASE_REFUSED" });
  }
});

test("a destination that the old base's working directory decided has to be the new base's, too", async () => {
  const flags = { directory: ["/app:app"] };
  const at = (WorkingDir: string): ImageSpec => ({ ...patched([]), execution: { WorkingDir } });
  const { directory, rebase, plan, at: location } = await scene(flags, at("/opt"));
  await putImage(directory, "in-srv", { ...oldBase, execution: { WorkingDir: "/srv" } });
  await compose({ ...plan, base: { kind: "image", location: location("in-srv") } });
  await expect(rebase({}, { oldBase: location("in-srv") })).rejects.toMatchObject({
    code: "REBASE_REFUSED",
    message: expect.stringContaining("/opt/app leads to /opt/app there, where the layer has nothing"),
  });
});

test("of several composed layers each has to fit, and those below it are part of its base", async () => {
  const { plan, rebase, at, directory } = await scene({ directory: ["/app:/srv/app"] });
  const twice = {
    ...plan,
    base: { kind: "image" as const, location: at("composed") },
    targets: [at("twice")],
  };
  const [step] = plan.copies;
  if (step === undefined) throw new Error("a plan without a step");
  await compose({ ...twice, copies: [{ ...step, destination: "/srv/app/more" }] });
  await rebase({}, { image: at("twice") });
  expect((await readImage(directory, "out")).manifest.layers).toHaveLength(4);
  await putImage(directory, "unfit", patched([dir("srv", { mode: 0o700 })]));
  await expect(rebase({}, { image: at("twice"), newBase: at("unfit") })).rejects.toMatchObject({
    code: "REBASE_REFUSED",
    message: expect.stringContaining("of layer 3, /srv is 2775 0:50"),
  });
});

test("without a record the history says what was copied where", async () => {
  const { rebase } = await scene({ record: "none" }, patched([file("x")]));
  await expect(rebase()).rejects.toMatchObject({ code: "REBASE_REFUSED" });
  const linked = await scene({ record: "none", link: true }, patched([file("x")]));
  await linked.rebase();
  const unclear = await scene({ record: "none", directory: ["/app:/srv/a b"] });
  await expect(unclear.rebase()).rejects.toThrow("does not say for sure");
});

test("in Docker's format labels name the base, and are the ones to be updated", async () => {
  const { rebase, directory } = await scene({ format: "docker" });
  await rebase();
  const { manifest, config } = await readImage(directory, "out");
  const [base] = [await readImage(directory, "new")];
  expect(manifest.mediaType).toContain(".docker.");
  expect(manifest).not.toHaveProperty("annotations");
  expect(config.config.Labels).toMatchObject({ "org.opencontainers.image.base.digest": base.digest });
});

test("a wrong old base is refused with the first layer that differs", async () => {
  const { rebase, at, directory, tags } = await scene();
  const [old, other] = [await readImage(directory, "old"), await readImage(directory, "new")];
  await expect(rebase({ force: true }, { oldBase: at("new") })).rejects.toMatchObject({
    code: "BASE_MISMATCH",
    message: expect.stringContaining(
      `layer 2 is ${other.config.rootfs.diff_ids[1]} in the base, it is ${old.config.rootfs.diff_ids[1]} in the image`,
    ),
  });
  await expect(rebase({}, { image: at("old"), oldBase: at("composed") })).rejects.toMatchObject({
    code: "BASE_MISMATCH",
    message: expect.stringContaining("layer 3 is"),
  });
  expect(await tags()).not.toContain("out");
});

test("where nothing says what an image was made on, it has to be said", async () => {
  const { rebase, at } = await scene();
  await expect(rebase({}, { image: at("old"), oldBase: undefined })).rejects.toMatchObject({
    code: "USAGE",
    hint: expect.stringContaining("--old-base"),
  });
});

test("an image that names no image as its base is told from a wrong flag", async () => {
  const { at, rebase } = await scene();
  for (const said of [
    { name: "r.example/\u001b[31mA", digest: "sha256:0" },
    { name: "r.example/a", digest: "latest" },
  ]) {
    const annotation = Object.entries(said).map(
      ([key, text]) => `org.opencontainers.image.base.${key}=${text}`,
    );
    await configureImage(at("composed"), parseConfigFlags({ annotation }), [at("wrong")]);
    await expect(rebase({}, { image: at("wrong"), oldBase: undefined })).rejects.toMatchObject({
      code: "REFERENCE_INVALID",
      message: expect.stringMatching(/wrong \(linux\/amd64\) says that it was made on no image/),
      hint: expect.stringContaining("--old-base"),
    });
  }
});

test("labels that an image took over from its base do not say what it was made on", async () => {
  const { rebase, directory, at } = await scene();
  const Labels = {
    "org.opencontainers.image.base.name": "registry.example/base-of-the-base:1",
    "io.github.compose-image.copy": "[]",
  };
  await putImage(directory, "inherits", { layers: [...oldBase.layers, [dir("opt")]], execution: { Labels } });
  await expect(rebase({}, { image: at("inherits"), oldBase: undefined })).rejects.toMatchObject({
    code: "USAGE",
  });
});

test("layers that were not composed are taken as they are, with a warning", async () => {
  const { rebase, directory, events, at } = await scene();
  await putImage(directory, "built", { layers: [...oldBase.layers, [dir("opt")]] });
  await rebase({}, { image: at("built") });
  expect(events.filter(({ kind }) => kind === "warning")).toMatchObject([
    { message: expect.stringContaining("was not made by composing") },
  ]);
});

test("a dry run pushes nothing, and refuses what would be refused", async () => {
  const { rebase, tags } = await scene();
  expect(await rebase({ dryRun: true })).toMatchObject({
    pushed: [],
    images: [{ dropped: [{}], added: [{}] }],
  });
  expect(await tags()).not.toContain("out");
  const unfit = await scene({}, patched([file("x")]));
  await expect(unfit.rebase({ dryRun: true })).rejects.toMatchObject({ code: "REBASE_REFUSED" });
});

test("the same rebase gives the same bytes, and the source date epoch is its time", async () => {
  const { rebase, directory } = await scene();
  const [one, two] = [await rebase(), await rebase()];
  expect(two.descriptor).toEqual(one.descriptor);
  await rebase({ sourceDateEpoch: 1 });
  expect((await readImage(directory, "out")).config.created).toBe("1970-01-01T00:00:01Z");
});

test("a new base in the other format is named as the image's format names it", async () => {
  const { rebase, directory } = await scene({ format: "docker" });
  await rebase();
  const { manifest } = await readImage(directory, "out");
  expect(new Set(manifest.layers.map(({ mediaType }) => mediaType))).toEqual(
    new Set(["application/vnd.docker.image.rootfs.diff.tar.gzip"]),
  );
  const zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
  const other = await scene(
    { format: "docker", link: true },
    { ...patched(), layerChanges: { 0: { mediaType: zstd } } },
  );
  await expect(other.rebase()).rejects.toMatchObject({ code: "FORMAT_UNSUPPORTED" });
  expect(await other.tags()).not.toContain("out");
});

test("a new base that mixes the formats, or has two images for the platform, is refused", async () => {
  const docker = "application/vnd.docker.image.rootfs.diff.tar.gzip";
  const mixed = await scene({ link: true }, { ...patched(), layerChanges: { 0: { mediaType: docker } } });
  await expect(mixed.rebase()).rejects.toMatchObject({
    code: "MANIFEST_INVALID",
    message: expect.stringContaining("new base"),
  });
  const { directory, rebase, at, tags } = await scene({ link: true });
  const two = { "linux/amd64": patched(), "LINUX/amd64": oldBase };
  await putIndex(directory, "two", two);
  await expect(rebase({}, { newBase: at("two") })).rejects.toMatchObject({
    code: "PLATFORM_MISMATCH",
    message: expect.stringContaining("2 images for linux/amd64"),
  });
  expect(await tags()).not.toContain("out");
});

test("an index that lacks a manifest is refused with the missing one named", async () => {
  const { directory, rebase, at, tags } = await scene();
  const index = await putIndex(directory, "index", { "linux/amd64": oldBase, "linux/arm64": patched() });
  const [, { digest }] = JSON.parse(Buffer.from(index.bytes).toString()).manifests;
  await rm(join(directory, "blobs", "sha256", digest.slice("sha256:".length)));
  await expect(rebase({}, { image: at("index") })).rejects.toMatchObject({
    code: "MANIFEST_NOT_FOUND",
    message: expect.stringContaining(`linux/arm64 ${digest}`),
  });
  expect(await tags()).not.toContain("out");
});

test("a rebase onto the same base changes nothing, and so keeps an index's attestations", async () => {
  const { rebase, at, directory } = await scene();
  const result = await rebase({}, { newBase: at("old") });
  expect(result.descriptor.digest).toBe((await readImage(directory, "composed")).digest);
});

test("a new base for another platform is refused", async () => {
  const { rebase, tags } = await scene({}, { ...patched(), config: { architecture: "arm64" } });
  await expect(rebase()).rejects.toMatchObject({ code: "PLATFORM_MISMATCH" });
  await expect(rebase({ platforms: [parsePlatform("linux/s390x")] })).rejects.toMatchObject({
    code: "PLATFORM_NOT_FOUND",
  });
  expect(await tags()).not.toContain("out");
});
