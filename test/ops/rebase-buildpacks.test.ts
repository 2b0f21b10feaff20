import { expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { parseLocation } from "../../src/model/location.ts";
import { type RebaseOptions, rebaseImage } from "../../src/ops/rebase-image.ts";
import { startRegistry } from "../../src/server/start-registry.ts";
import { type MadeImage, makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { temporaryDirectory } from "../support/temp.ts";

const runLayer = (content: string) => ({ files: [{ path: "etc/" }, { path: "etc/os-release", content }] });
const appLayer = { files: [{ path: "workspace/" }, { path: "workspace/app", content: "1" }] };
const distro = {
  "io.buildpacks.base.distro.name": "ubuntu",
  "io.buildpacks.base.distro.version": "22.04",
  "io.buildpacks.base.released": "1",
};
const run = makeImage({
  layers: [runLayer("old")],
  execution: { Env: ["PATH=/bin"], Labels: distro, User: "cnb" },
});
const newRun = makeImage({
  layers: [runLayer("new")],
  execution: {
    Env: ["PATH=/bin:/sbin"],
    Labels: { ...distro, "io.buildpacks.base.released": "2" },
    User: "cnb",
  },
});
const diffIdsOf = (image: MadeImage): string[] =>
  JSON.parse(Buffer.from(image.configs[0]?.bytes ?? []).toString()).rootfs.diff_ids;

interface SceneOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly runImage?: object;
  readonly family?: "oci" | "docker";
  readonly newRun?: MadeImage;
  /** Whether the registry has the old run image. */
  readonly hasRun?: boolean;
}

async function rebased(scene: SceneOptions = {}, options: RebaseOptions = {}) {
  const { hasRun = true, family = "oci" } = scene;
  const directory = await temporaryDirectory("buildpacks");
  const registry = await startRegistry(
    { directory, writable: true, host: "127.0.0.1", port: 0 },
    unstoppable,
  );
  const host = `127.0.0.1:${registry.port}`;
  try {
    if (hasRun) await pushMade(run, `http://${host}`, "run:1");
    await pushMade(scene.newRun ?? newRun, `http://${host}`, "run:2");
    const metadata = {
      app: [{ sha: "sha256:1" }],
      runImage: {
        topLayer: diffIdsOf(run).at(-1),
        reference: `${host}/run@${run.top.descriptor.digest}`,
        image: `${host}/run:latest`,
        mirrors: ["mirror.example/run"],
        ...scene.runImage,
      },
    };
    const app = makeImage({
      family,
      layers: [runLayer("old"), appLayer],
      execution: {
        Env: ["PATH=/bin", "CNB_APP_DIR=/workspace"],
        User: "cnb",
        Labels: { ...distro, "io.buildpacks.lifecycle.metadata": JSON.stringify(metadata), ...scene.labels },
      },
    });
    await pushMade(app, `http://${host}`, "app:1");
    const events: TransferEvent[] = [];
    const result = await rebaseImage(
      {
        image: parseLocation(`${host}/app:1`),
        newBase: parseLocation(`${host}/run:2`),
        targets: [parseLocation(`${host}/app:2`)],
      },
      { ...options, onTransfer: (event) => events.push(event) },
    );
    const image = await readImage(`${host}/app:2`);
    const label = image.config.config.Labels?.["io.buildpacks.lifecycle.metadata"] ?? "";
    return { app, image, result, host, events, metadata: JSON.parse(label) };
  } finally {
    await registry.close();
  }
}

test.each(["oci", "docker"] as const)(
  "an image of buildpacks goes onto the new run image, %s",
  async (family) => {
    const { app, image, host, metadata, events } = await rebased({ family });
    expect(image.manifest.layers.map(({ digest }) => digest)).toEqual([
      newRun.layers[0]?.descriptor.digest,
      app.layers[1]?.descriptor.digest,
    ]);
    expect(image.config.config).toMatchObject({
      Env: ["PATH=/bin:/sbin", "CNB_APP_DIR=/workspace"],
      Labels: { "io.buildpacks.base.released": "2" },
    });
    expect(metadata).toEqual({
      app: [{ sha: "sha256:1" }],
      runImage: {
        topLayer: diffIdsOf(newRun).at(-1),
        reference: `${host}/run@${newRun.top.descriptor.digest}`,
        image: `${host}/run:latest`,
        mirrors: ["mirror.example/run"],
      },
    });
    expect(image.manifest.annotations).toBeUndefined();
    expect(events.filter(({ kind }) => kind === "warning")).toEqual([]);
  },
);

test("a run image that is gone is not needed: its uppermost layer is named; the configuration stays", async () => {
  const { image } = await rebased({ hasRun: false });
  expect(image.manifest.layers).toHaveLength(2);
  expect(image.config.config).toMatchObject({ Env: ["PATH=/bin", "CNB_APP_DIR=/workspace"] });
  expect(image.config.config.Labels).toMatchObject({ "io.buildpacks.base.released": "2" });
});

test("a new run image of another name becomes the one that later rebases take", async () => {
  const { metadata, host } = await rebased({ runImage: { image: "registry.example/other", mirrors: [] } });
  expect(metadata.runImage).toMatchObject({ image: `${host}/run:2`, mirrors: [] });
});

test("an image that is marked as not rebasable is, only with force", async () => {
  const labels = { "io.buildpacks.rebasable": "false" };
  await expect(rebased({ labels })).rejects.toMatchObject({
    code: "REBASE_REFUSED",
    message: expect.stringContaining("io.buildpacks.rebasable is false"),
    hint: expect.stringContaining("--force"),
  });
  const { events } = await rebased({ labels }, { force: true });
  expect(events.filter(({ kind }) => kind === "warning")).toHaveLength(1);
});

test("a run image of another distribution is refused", async () => {
  const other = makeImage({
    layers: [runLayer("24")],
    execution: { Labels: { ...distro, "io.buildpacks.base.distro.version": "24.04" } },
  });
  await expect(rebased({ newRun: other })).rejects.toMatchObject({
    code: "REBASE_REFUSED",
    message: expect.stringContaining("io.buildpacks.base.distro.version is 22.04, the new base's 24.04"),
  });
});

test.each([
  [{ topLayer: diffIdsOf(newRun)[0] }, "BASE_MISMATCH", /has no layer sha256:/],
  [{ topLayer: "no digest" }, "CONFIG_INVALID", /names no top layer/],
  [{ reference: "oci:/etc" }, undefined, undefined],
])(
  "metadata that is wrong is an error, and names no file of this machine: %j",
  async (runImage, code, message) => {
    const work = rebased({ runImage });
    if (code === undefined) expect((await work).image.manifest.layers).toHaveLength(2);
    else await expect(work).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  },
);
