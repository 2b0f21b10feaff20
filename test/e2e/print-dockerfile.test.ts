import { afterAll, beforeAll, expect, test } from "vitest";
import { type Buildah, createBuildah } from "../support/buildah.ts";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { imageOutcome } from "../support/copy-peers.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { diffOutcomes, formatImageDifferences } from "../support/image-diff.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal } from "../support/refusal.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** As far as the buildah of Debian 12 goes, which knows no `--exclude`. */
const everything = `
builders: {app: localhost/builder, tools: localhost/tools}
stages:
  mixed:
    base: localhost/tools
    copy: [{from: app, src: /app/logs, dst: /mixed}]
base: localhost/base
copy:
  - {from: app, src: /app/server.js, dst: srv/, chown: web:staff}
  - {from: tools, src: ["/bin/a b", '/bin/$$x'], dst: /etc/, chmod: "0750"}
  - {from: mixed, src: /mixed, dst: /var/mixed, chown: "7"}
env: {A: "5$$ 'x' \\"y\\" \\\\ end\\\\", P: "/app/bin:\${base:PATH}", "Z": ""}
labels: {"a b": 'c "d"', e.f: "$$g=h"}
workdir: /srv/run
user: web
entrypoint: [node, "a \\"b\\"", "$$x"]
cmd: []
expose: [8080, 53/udp]
stopSignal: SIGUSR1
tags: [localhost/made]
`;

describeWith(["cli"], "dockerfile", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
  });
  afterAll(() => scene.stop());

  test("prints what file and flags come to, with how it is built", async () => {
    const input = `
builder: registry.example/app-builder:sha-1a2b
base: registry.example/node-runtime:24
copy: [{src: /opt/app-root/src, dst: /run/app, exclude: ["**/*.map"]}]
env: {NODE_ENV: production}
workdir: /run/app
entrypoint: [node, dist/server.js]
platforms: [linux/arm64]
annotations: {team: "a b"}
compression: gzip:9
tags: ["registry.example/app:\${VERSION}"]
`;
    const flags = ["--var", "VERSION=1.2.3", "--user", "1001"];
    const printed = await runCli(["dockerfile", "-", ...flags], { input });
    expect(printed, printed.stderr).toMatchObject({ status: 0, stderr: "" });
    expect(printed.stdout).toBe(`# syntax=docker/dockerfile:1
# docker buildx build --platform linux/arm64 --annotation 'team=a b' --tag registry.example/app:1.2.3 .
# A Dockerfile cannot say the compression gzip:9.

FROM --platform=linux/arm64 registry.example/app-builder:sha-1a2b AS builder

FROM --platform=linux/arm64 registry.example/node-runtime:24
COPY --from=builder --exclude=\\"**/*.map\\" /opt/app-root/src /run/app
WORKDIR /run/app
USER 1001
ENV NODE_ENV="production"
ENTRYPOINT ["node", "dist/server.js"]
`);
    await expectRefusal(await runCli(["dockerfile", "-", ...flags], { input: `${input}---\n${input}` }), {
      status: 2,
      code: "USAGE",
      message: ["already"],
      hint: "--tag",
    });
  });

  test("explains an image in words that everybody knows, and they make it again", async () => {
    const name = `${scene.registry.host}/scene/words:1`;
    const made = await runCli(scene.arguments({ tag: name, env: "A=b", record: "annotations" }));
    expect(made, made.stderr).toMatchObject({ status: 0 });
    const explained = await runCli(["explain", name]);
    const printed = await runCli(["dockerfile", "-"], { input: explained.stdout });
    const again = await runCli(["--dockerfile", "-", "--tag", name], { input: printed.stdout });
    expect(again, again.stderr).toMatchObject({ status: 0, stdout: made.stdout });
  });

  describeWith(["root", "buildah", "skopeo", "umoci", "getfattr"], "built by buildah", () => {
    let buildah: Buildah;

    beforeAll(async () => {
      buildah = await createBuildah();
      const tools = makeImage({
        layers: [
          {
            files: [
              { path: "bin/" },
              { path: "bin/a b", content: "a", mode: 0o755, uid: 3 },
              { path: "bin/$x", content: "x" },
            ],
          },
        ],
      });
      for (const [name, image] of Object.entries({ builder: scene.builder, base: scene.base, tools })) {
        const pushed = await pushMade(image, scene.registry.url, `peer/${name}:latest`);
        await buildah.pull(`docker://${pushed}`, `${name}:latest`);
      }
    });

    test("makes the same image, but for times of directories", async () => {
      const input = everything;
      const printed = await runCli(["dockerfile", "-"], { input });
      expect(printed, printed.stderr).toMatchObject({ status: 0 });
      await buildah.build({ dockerfile: printed.stdout, name: "printed" });
      const layout = `oci:${await temporaryDirectory("printed")}/layout:image`;
      await buildah.push("printed", layout);
      const replace = ["--replace", `localhost=${scene.registry.host}/peer`, "--record", "none"];
      const result = await runCli(["-f", "-", ...replace], { input });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      const name = `${scene.registry.host}/peer/made:latest`;
      expect((await readImage(name)).manifest.layers).toHaveLength(2);
      const differences = diffOutcomes(
        await imageOutcome(layout),
        await imageOutcome(`docker://${name}`),
      ).filter(
        ({ path, attribute, type }) =>
          path !== "Labels.io.buildah.version" && (attribute !== "mtime" || type !== "directory"),
      );
      expect(formatImageDifferences(differences)).toBe("");
    });
  });
});
