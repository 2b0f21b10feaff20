import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { type MadeImage, makeImage, makeIndex, pushMade, saveMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal } from "../support/refusal.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const filled = (path: string, content: string): MadeImage =>
  makeImage({ layers: [{ files: [{ path: `${path}/` }, { path: `${path}/a`, content }] }] });

describeWith(["cli"], "stale and recompose", () => {
  let scene: ComposeScene;
  let count = 0;
  /** Composed of the two others, all of them new for each test. */
  let names: { readonly builder: string; readonly base: string; readonly image: string };

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
  });
  afterAll(() => scene.stop());

  beforeEach(async () => {
    count += 1;
    names = {
      builder: await scene.add(`builder-${count}`, filled("app", "1")),
      base: await scene.add(`base-${count}`, filled("etc", "1")),
      image: `${scene.registry.host}/scene/image-${count}:1`,
    };
    await compose([]);
  });

  async function succeed(args: readonly string[]): Promise<CliResult> {
    const result = await runCli(args);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return result;
  }

  async function compose(more: readonly string[]): Promise<void> {
    const { builder, base, image } = names;
    await succeed(["--builder", builder, "--base", base, "--directory", "/app", "--tag", image, ...more]);
  }

  const moved = (name: "builder" | "base"): Promise<string> =>
    scene.add(`${name}-${count}`, filled(name === "base" ? "etc" : "app", "2"));

  test("stale ends with 0 while nothing has moved, and with 1 and a table once something has", async () => {
    const fresh = await succeed(["stale", names.image]);
    expect(fresh).toMatchObject({ stderr: "" });
    const before = filled("etc", "1").top.descriptor.digest.slice(0, 19);
    expect(fresh.stdout.split("\n")).toEqual([
      expect.stringMatching(/^side {5,}reference {5,}recorded {5,}now {5,}status$/),
      expect.stringMatching(new RegExp(`^base {5}${names.base} +${before} {2}${before} {2}same$`)),
      expect.stringMatching(new RegExp(`^builder {2}${names.builder} .* same$`)),
      "",
    ]);
    await moved("base");
    const stale = await runCli(["stale", names.image]);
    const after = filled("etc", "2").top.descriptor.digest.slice(0, 19);
    expect(stale).toMatchObject({ status: 1, stderr: "" });
    expect(stale.stdout).toMatch(new RegExp(`^base .* ${before} {2}${after} {2}moved$`, "m"));
    expect(stale.stdout).toMatch(/^builder .* same$/m);
  });

  test("stale looks at several images, asks for each reference once, and fails for what it cannot find out", async () => {
    const byProxy = names.builder.replace(scene.registry.host, scene.proxy.host);
    await compose(["--builder", byProxy]);
    scene.proxy.forget();
    const lost = `${scene.registry.host}/scene/lost:1`;
    const several = await runCli(["stale", names.image, lost, names.image]);
    expect(several.status).toBe(4);
    expect(several.stdout).toMatch(/^image .*side/);
    expect(several.stdout.match(/ same$/gm)).toHaveLength(4);
    expect(several.stdout).toMatch(new RegExp(`^${lost} .* not read$`, "m"));
    expect(several.stderr).toContain("[MANIFEST_NOT_FOUND]");
    expect(scene.proxy.exchanges.filter(({ path }) => path.includes("/manifests/"))).toHaveLength(1);

    await moved("base");
    const [, repository] = /^[^/]+\/(.*):1$/.exec(names.builder) ?? [];
    await fetch(`${scene.registry.url}/v2/${repository}/manifests/1`, { method: "DELETE" });
    const gone = await runCli(["stale", "--json", names.image]);
    expect(gone.status).toBe(4);
    expect(JSON.parse(gone.stdout)).toEqual([
      {
        image: names.image,
        checks: [
          {
            side: "base",
            reference: names.base,
            recorded: filled("etc", "1").top.descriptor.digest,
            current: filled("etc", "2").top.descriptor.digest,
            status: "moved",
          },
          {
            side: "builder",
            reference: byProxy,
            recorded: filled("app", "1").top.descriptor.digest,
            status: "gone",
            failure: expect.stringContaining(byProxy),
            code: "MANIFEST_NOT_FOUND",
          },
        ],
      },
    ]);
  });

  test("stale tells what has no tag to move, and what had no public name", async () => {
    const layout = join(await temporaryDirectory("stale"), "base");
    await saveMade(filled("etc", "1"), layout, "1");
    const digest = filled("app", "1").top.descriptor.digest;
    const builder = names.builder.replace(/:1$/, `@${digest}`);
    await compose(["--builder", builder, "--base", `oci:${layout}`]);
    await moved("builder");
    const { stdout } = await succeed(["stale", names.image]);
    expect(stdout).toMatch(/^base {5}- .* - .* had no public name$/m);
    expect(stdout).toMatch(/^builder .* pinned by its digest$/m);
  });

  test("recompose takes what builder and base are now, in place of the image that was", async () => {
    const before = await readImage(names.image);
    const same = await succeed(["recompose", names.image]);
    const pushed = names.image.replace(/:1$/, "");
    expect(same.stdout).toBe(`${pushed}@${before.digest}\n`);
    await moved("base");
    await moved("builder");
    const result = await succeed(["recompose", names.image]);
    const after = await readImage(names.image);
    expect(result.stdout).toBe(`${pushed}@${after.digest}\n`);
    expect(after.manifest.layers[0]?.digest).toBe(filled("etc", "2").layers[0]?.descriptor.digest);
    expect(after.top.entries.get("app/a")?.content.toString()).toBe("2");
    await succeed(["stale", names.image]);
  });

  test("recompose has flags over the plan, and leaves the image where it goes elsewhere", async () => {
    const before = await readImage(names.image);
    const other = await scene.add("other-builder", filled("app", "other"));
    const tag = names.image.replace(/:1$/, ":2");
    const args = ["--builder", other, "--env", "A=b", "--tag", tag];
    const dry = await succeed(["recompose", names.image, ...args, "--dry-run=full"]);
    await succeed(["recompose", names.image, ...args]);
    const image = await readImage(tag);
    expect(dry.stdout).toBe(`${image.digest}\n`);
    expect(image.top.entries.get("app/a")?.content.toString()).toBe("other");
    expect(image.config.config.Env).toEqual(["A=b"]);
    expect((await readImage(names.image)).digest).toBe(before.digest);
    const replaced = names.image.replace(/:1$/, ":3");
    const replace = ["--replace", `${names.builder}=${other}`, "--env", "A=b", "--tag", replaced];
    await succeed(["recompose", names.image, ...replace]);
    expect((await readImage(replaced)).digest).toBe(image.digest);
  });

  test("recompose wants to be told what the record cannot", async () => {
    const layout = join(await temporaryDirectory("recompose"), "base");
    await saveMade(filled("etc", "1"), layout, "1");
    await compose(["--base", `oci:${layout}`]);
    const { digest } = await readImage(names.image);
    await expectRefusal(await runCli(["recompose", names.image]), {
      status: 2,
      code: "USAGE",
      message: [`${names.image}: its base had no name that others could use`],
      hint: "--base",
    });
    const pinned = names.image.replace(/:1$/, `@${digest}`);
    await expectRefusal(await runCli(["recompose", pinned, "--base", names.base]), {
      status: 2,
      code: "USAGE",
      message: [`${pinned}: it is named by its digest`],
      hint: "--tag",
    });
    await succeed(["recompose", names.image, "--base", `oci:${layout}`]);
    expect((await readImage(names.image)).digest).toBe(digest);
  });

  test("recompose does not put one platform's image in the place of an index", async () => {
    const composed = await readImage(names.image);
    const repository = names.image.slice(scene.registry.host.length + 1).replace(/:1$/, "");
    const bytes = Buffer.from(
      await (await fetch(`${scene.registry.url}/v2/${repository}/manifests/1`)).arrayBuffer(),
    );
    const top = {
      descriptor: { mediaType: composed.mediaType, digest: composed.digest, size: bytes.length },
      bytes,
    };
    const index = makeIndex([{ top, children: [], configs: [], layers: [], architecture: "amd64" }]);
    const name = await pushMade(index, scene.registry.url, `${repository}:index`);
    await expectRefusal(await runCli(["recompose", name]), {
      status: 2,
      code: "USAGE",
      message: [`${name} is an index, and would be replaced by one platform's image`],
      hint: /--tag.*--platform/,
    });
    await succeed(["recompose", name, "--tag", names.image]);
    expect((await readImage(names.image)).digest).toBe(composed.digest);
  });
});
