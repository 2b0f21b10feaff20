import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ComposeFlags, TransferEvent } from "../../src/index.ts";
import { attempt } from "../support/command.ts";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage, tagsOf } from "../support/read-image.ts";
import { isolatedEnvironment, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const library: typeof import("../../src/index.ts") = await import(
  new URL("../../dist/index.js", import.meta.url).href
).catch(() => undefined);

describeWith(["cli", "docker-registry"], "the library", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
  });
  afterAll(() => scene.stop());

  const flags = (changes: ComposeFlags = {}): ComposeFlags => ({
    builder: scene.names.builder,
    base: scene.names.base,
    directory: ["/app"],
    tag: [scene.names.target],
    ...changes,
  });

  test("the README's example runs as it stands and does what it says", async () => {
    const app = makeImage({
      layers: [
        { files: [{ path: "opt/app-root/src/" }, { path: "opt/app-root/src/dist/server.js", content: "" }] },
      ],
    });
    await pushMade(app, scene.registry.url, "app-builder:sha-1a2b");
    await pushMade(scene.base, scene.registry.url, "node-runtime:24");
    const example = await libraryExample();
    expect(example).toContain("registry.example/");
    const consumer = await consumerOfPackage();
    await writeFile(
      join(consumer, "example.ts"),
      example.replaceAll("registry.example", scene.registry.host),
    );

    const temporary = await temporaryDirectory("example-tmp");
    const result = await attempt(process.execPath, [join(consumer, "example.ts")], {
      cwd: consumer,
      env: isolatedEnvironment(consumer, temporary),
    });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const image = await readImage(`${scene.registry.host}/app:1.2.3`);
    expect(result.stdout.toString()).toContain(image.digest);
    expect(result.stderr).toMatch(/^download sha256:[0-9a-f]{64}$/m);
    expect(result.stderr).toMatch(/^upload sha256:[0-9a-f]{64}$/m);
    expect([...image.top.entries.keys()]).toContain("run/app/dist/server.js");
    expect(image.config.config).toMatchObject({ Entrypoint: ["node", "dist/server.js"] });
    expect(image.config.config.Env).toContain("NODE_ENV=production");
    expect(await readdir(temporary)).toEqual([]);
  });

  test("compose makes the image the command makes, and returns its descriptors and figures", async () => {
    const name = `${scene.registry.host}/scene/by-library`;
    const command = await runCli(
      scene.arguments({
        tag: `${scene.registry.host}/scene/by-command:1`,
        label: "a=b",
        user: "web",
        json: true,
      }),
    );
    expect(command, command.stderr).toMatchObject({ status: 0 });
    const events: TransferEvent[] = [];

    const plan = library.parseComposeFlags(
      flags({ tag: [`${name}:1`, `${name}:2`], label: ["a=b"], user: "web" }),
    );
    const result = await library.compose(plan, { onTransfer: (event) => void events.push(event) });

    const { digest, manifest, top } = await readImage(`${name}:1`);
    expect(result.images[0]?.descriptor).toMatchObject({ digest, mediaType: manifest.mediaType });
    expect(result.images[0]?.config).toEqual(manifest.config);
    expect(result.images[0]?.layer).toEqual(manifest.layers.at(-1));
    expect(result.images[0]?.layerEntries).toBe(top.entries.size);
    expect(result.pushed).toEqual([{ name, digest, tags: ["1", "2"] }]);
    expect(result.platforms[0]).toEqual({ os: "linux", architecture: "amd64" });
    const document = JSON.parse(command.stdout);
    expect(document).toMatchObject({
      digest,
      config: result.images[0]?.config,
      layer: { ...result.images[0]?.layer, diffId: result.images[0]?.diffId },
    });

    const { figures } = result;
    expect(figures.composedSize).toBe(manifest.layers.reduce((sum, { size }) => sum + size, 0));
    expect(figures.builderSize).toBe(scene.builder.layers[0]?.descriptor.size);
    expect(figures.baseSize).toBe(scene.base.layers[0]?.descriptor.size);
    expect(figures.elapsedMs).toBeGreaterThan(0);
    const bytes = (direction: string): number =>
      events.reduce(
        (sum, event) => sum + (event.kind === "progress" && event.direction === direction ? event.bytes : 0),
        0,
      );
    expect(figures.downloadedBytes).toBe(bytes("download"));
    expect(figures.uploadedBytes).toBe(bytes("upload"));
    expect(events.filter(({ kind }) => kind === "tagged")).toMatchObject([{ tag: "1" }, { tag: "2" }]);
  });

  test("an abort in the middle throws the signal's reason, moves no tag and leaves no file", async () => {
    const temporary = await temporaryDirectory("library-tmp");
    const controller = new AbortController();
    const reason = new Error("that was enough");
    const plan = library.parseComposeFlags(flags());
    await expect(
      library.compose(plan, {
        signal: controller.signal,
        memoryLimit: 0,
        temporaryDirectory: temporary,
        onTransfer: ({ kind }) => {
          if (kind === "progress") controller.abort(reason);
        },
      }),
    ).rejects.toBe(reason);
    expect(await readdir(temporary)).toEqual([]);
    await scene.expectUntouched();
  });

  test("a signal that is aborted already keeps it from asking anything", async () => {
    scene.proxy.forget();
    const plan = library.parseComposeFlags(flags({ base: `${scene.proxy.host}/scene/base:1` }));
    await expect(library.compose(plan, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(scene.proxy.exchanges).toEqual([]);
  });

  test("mirrors what a file names into a layout, loads that, and copies an image of it", async () => {
    const { host } = scene.registry;
    const directory = join(await temporaryDirectory("library-mirror"), "images");
    const plan = library.parseMirrorFile(
      `repositories: [{ name: "${host}/scene/base", tags: ["1", "2"] }, { name: "${host}/scene/index:1" }]`,
    );
    const place = { transport: "oci", directory } as const;
    const saved = await library.runMirror(plan, place);
    expect(saved.images.map(({ image }) => `${image.target}:${image.tag}`)).toEqual([
      "scene/base:1",
      "scene/index:1",
    ]);
    expect(saved.faults).toMatchObject([
      { subject: `${host}/scene/base:2`, error: { code: "MANIFEST_NOT_FOUND" } },
    ]);
    const loaded = await library.loadMirror(place, library.parseMirrorPlace(`${host}/by-library`));
    expect(loaded).toMatchObject({ target: `${host}/by-library`, faults: [] });
    const { source, target } = library.parseCopyLocations(
      `${host}/by-library/scene/base:1`,
      `${host}/by-library/copy`,
      false,
    );
    const { images } = await library.copyImages(source, target);
    expect(images).toMatchObject([
      { tag: "1", descriptor: { digest: scene.base.top.descriptor.digest }, isMoved: true },
    ]);
    expect((await readImage(`${host}/by-library/copy:1`)).digest).toBe(scene.base.top.descriptor.digest);
  });

  test("what fails is a ComposeImageError with code and hint", async () => {
    const failing = library.compose(library.parseComposeFlags(flags({ directory: ["/nowhere"] })));
    await expect(failing).rejects.toBeInstanceOf(library.ComposeImageError);
    await expect(failing).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND", hint: expect.any(String) });
    expect(() => library.parseComposeFlags(flags({ builder: "A" }))).toThrow(library.ComposeImageError);
    expect(await tagsOf(scene.registry.url, "scene/app")).toEqual(["kept"]);
  });
});

/** The one block of TypeScript below the README's heading "Library". */
async function libraryExample(): Promise<string> {
  const readme = await readFile(join(project, "README.md"), "utf8");
  const section = /^## Library\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(readme)?.[1] ?? "";
  const blocks = [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[1] ?? "";
}

/** A folder in which `import "compose-image"` finds this project. */
async function consumerOfPackage(): Promise<string> {
  const folder = await temporaryDirectory("consumer");
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await mkdir(join(folder, "node_modules"));
  await symlink(project, join(folder, "node_modules", "compose-image"));
  return folder;
}
