import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, makeIndex, saveMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal } from "../support/refusal.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

describeWith(["cli"], "explain", () => {
  let scene: ComposeScene;
  let count = 0;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
  });
  afterAll(() => scene.stop());

  async function succeed(args: readonly string[], input?: string): Promise<CliResult> {
    const result = await runCli(args, input === undefined ? {} : { input });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return result;
  }

  async function compose(changes: ComposeArguments = {}): Promise<string> {
    count += 1;
    const tag = `${scene.registry.host}/scene/explained-${count}:1`;
    await succeed(scene.arguments({ tag, ...changes }));
    return tag;
  }

  test.each<[title: string, changes: () => ComposeArguments | Promise<ComposeArguments>]>([
    ["as it comes", () => ({})],
    [
      "with everything said",
      () => ({
        directory: ["/app/logs:/srv/logs", "/app/server.js:/srv/"],
        chown: "web:staff",
        chmod: "2750",
        exclude: ["today", "a b$"],
        env: ["A=5$ ${B}", 'Q="\\'],
        label: ["b=2", "a=1"],
        annotation: ["k=v", "a=b\nc"],
        workdir: "/srv",
        user: "web",
        entrypoint: '["node","a b"]',
        cmd: "[]",
        expose: ["53/udp", "80"],
        "history-comment": "by hand",
        compression: "gzip:1",
        "source-date-epoch": "1700000000",
      }),
    ],
    ["in the docker format", () => ({ format: "docker", label: "a=b" })],
    ["on scratch", () => ({ base: "scratch", compression: "none" })],
    [
      "of indexes, for another platform, from a builder of this one",
      async () => {
        const of = (path: string) =>
          makeIndex(
            ["amd64", "arm64"].map((architecture) =>
              makeImage({
                architecture,
                layers: [{ files: [{ path: `${path}/` }, { path: `${path}/${architecture}` }] }],
              }),
            ),
          );
        return {
          base: await scene.add("explain-base", of("etc")),
          builder: await scene.add("explain-builder", of("app")),
          platform: "linux/arm64",
          "builder-platform": "linux/amd64",
        };
      },
    ],
  ])("prints a file that makes the same image to the byte: %s", async (_, changes) => {
    const name = await compose(await changes());
    const before = await readImage(name);
    const { stdout } = await succeed(["explain", name]);
    expect(stdout).toContain(`# ${name}@${before.digest}, composed by compose-image\n`);
    const again = name.replace(/:1$/, ":again");
    await succeed(["-f", "-", "--tag", again], stdout);
    expect((await readImage(again)).digest).toBe(before.digest);
  });

  test("names builders and base as they were with --floating, and pins them without", async () => {
    const name = await compose();
    const { builder, base } = scene.names;
    const pinned = (await succeed(["explain", name])).stdout;
    expect(pinned).toContain(`builder: ${builder}@${scene.builder.top.descriptor.digest}\n`);
    expect(pinned).toContain(`base: ${base}@${scene.base.top.descriptor.digest}\n`);
    const floating = (await succeed(["explain", "--floating", name])).stdout;
    expect(floating).toContain(`builder: ${builder}\nbase: ${base}\n`);
    expect(floating).toContain(`tags:\n  - ${name}\n`);
    const byDigest = `${name.replace(/:1$/, "")}@${(await readImage(name)).digest}`;
    const untagged = (await succeed(["explain", byDigest])).stdout;
    expect(untagged).toContain("# say with --tag where it goes\n");
    expect(untagged).not.toContain("tags:");
  });

  test("tells programs the same as JSON", async () => {
    const name = await compose({ env: "A=b" });
    const { digest } = await readImage(name);
    expect(JSON.parse((await succeed(["explain", "--json", name])).stdout)).toEqual({
      image: name,
      digest,
      platform: "linux/amd64",
      base: { reference: scene.names.base, digest: scene.base.top.descriptor.digest },
      builders: [{ reference: scene.names.builder, digest: scene.builder.top.descriptor.digest }],
      copy: [{ from: 0, src: ["/app"], dst: "/app" }],
      config: { env: { A: "b" } },
      annotations: {},
    });
  });

  test("has variables for what has no name that others could use", async () => {
    const layout = join(await temporaryDirectory("explain"), "inputs");
    await saveMade(scene.builder, layout, "builder");
    await saveMade(scene.base, layout, "base");
    const local = { builder: `oci:${layout}:builder`, base: `oci:${layout}:base` };
    const name = await compose(local);
    const { stdout } = await succeed(["explain", name]);
    expect(stdout).not.toContain(layout);
    expect(stdout).toContain("builder: ${BUILDER}\nbase: ${BASE}\n");
    const before = await readImage(name);
    const variables = ["--var", `BUILDER=${local.builder}`, "--var", `BASE=${local.base}`];
    await succeed(["-f", "-", ...variables], stdout);
    expect((await readImage(name)).digest).toBe(before.digest);
  });

  test("refuses what does not say what it was made from", async () => {
    const none = await compose({ record: "none" });
    for (const image of [none, scene.names.base]) {
      await expectRefusal(await runCli(["explain", image]), {
        status: 4,
        code: "RECORD_NOT_FOUND",
        message: [`image ${image} does not say what it was made from`],
        hint: "--record none",
      });
    }
    const forged = await compose({ annotation: "io.github.compose-image.copy=[{}]" });
    await expectRefusal(await runCli(["explain", forged]), {
      status: 6,
      code: "RECORD_INVALID",
      message: [forged, "io.github.compose-image.copy[0] lacks from, src or dst"],
      hint: "another tool changed it",
    });
  });

  test("does not take the record of a base's labels for the image's own", async () => {
    const base = await compose({ format: "docker" });
    const none = await compose({ base, record: "none", directory: "/app/logs:/logs" });
    expect(Object.keys((await readImage(none)).config.config.Labels ?? {})).not.toContain(
      "io.github.compose-image.copy",
    );
    expect((await runCli(["explain", none])).status).toBe(4);
    const labels = (await readImage(base)).config.config.Labels ?? {};
    const inherited = await scene.add(
      "inherited",
      makeImage({ layers: [{ files: [{ path: "x" }] }], execution: { Labels: labels } }),
    );
    await expectRefusal(await runCli(["explain", inherited]), {
      status: 4,
      code: "RECORD_NOT_FOUND",
      message: ["has the record of the image it was built on"],
      hint: "explain that one",
    });
  });

  test("tells what config has changed since, which recompose would lose", async () => {
    const name = await compose({ format: "docker" });
    const edited = name.replace(/:1$/, ":edited");
    await succeed(["config", name, "--env", "LATER=1", "--tag", edited]);
    const { stdout } = await succeed(["explain", edited]);
    expect(stdout).toMatch(/^# not in it: what compose-image config has changed since: .*LATER/m);
    expect(stdout).not.toContain("env:");
    await expectRefusal(await runCli(["recompose", edited]), {
      status: 2,
      code: "USAGE",
      message: [`${edited} would lose what compose-image config has changed: `, "LATER"],
      hint: "put the changes into it",
    });
  });
});
