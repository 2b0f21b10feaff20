import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { type ReadImage, readImage } from "../support/read-image.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** One way of saying what to compose. Its images are `registry.example/scene/…`, which stand for the scene's. */
interface Way {
  readonly args: readonly string[];
  /** On standard input. */
  readonly input?: string;
}

const builder = "registry.example/scene/builder:1";
const base = "registry.example/scene/base:1";
const tag = ["--tag", "registry.example/scene/one:1"];

const flags: readonly string[] = [
  ...["--builder", builder, "--base", base, "--directory", "/app:/srv/app", "--directory", "/app/logs"],
  ...["--chown", "1001:50", "--user", "1001:50", "--workdir", "/srv/app"],
  ...["--env", "NODE_ENV=production", "--env", "PRICE=5", "--label", "team=blue", "--label", "a=b c"],
  ...["--entrypoint", '["node","server.js"]', ...tag],
];

const file = `
builder: ${builder}
base: ${base}
copy:
  - {src: /app, dst: /srv/app, chown: "1001:50"}
  - {src: /app/logs, chown: "1001:50"}
user: 1001:50
workdir: /srv/app
env: {NODE_ENV: production, PRICE: 5}
labels: {a: b c, team: blue}
entrypoint: [node, server.js]
tags: [registry.example/scene/one:1]
`;

const build = `
apiVersion: shipwright.io/v1alpha1
kind: Build
metadata: {name: one}
spec:
  output: {image: ${builder}, labels: {team: blue}}
  runtime:
    base: {image: ${base}}
    paths: ["/app:/srv/app", /app/logs]
    workDir: /srv/app
    user: {name: 1001, group: 50}
    labels: {a: b c}
    env: {NODE_ENV: production, PRICE: "5"}
    entrypoint: [node, server.js]
`;

const dockerfile = `
FROM ${builder} AS build
FROM ${base}
ENV NODE_ENV=production PRICE=5
LABEL a="b c" team=blue
COPY --from=build --chown=1001:50 /app /srv/app
COPY --from=build --chown=1001:50 /app/logs /app/logs
WORKDIR /srv/app
USER 1001:50
ENTRYPOINT ["node", "server.js"]
`;

const buildConfig = `
apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata: {name: one}
spec:
  source:
    dockerfile: |
      FROM ${base}
      ENV NODE_ENV=production PRICE=5
      LABEL a="b c" team=blue
      COPY --chown=1001:50 app /srv/app
      COPY --chown=1001:50 app/logs /app/logs
      WORKDIR /srv/app
      USER 1001:50
      ENTRYPOINT ["node", "server.js"]
    images:
      - from: {kind: DockerImage, name: "${builder}"}
        paths: [{sourcePath: /app, destinationDir: .}]
  strategy: {dockerStrategy: {}}
  output: {to: {kind: DockerImage, name: "registry.example/scene/one:1"}}
`;

/** The flags but for the one that names the builder. */
const [, , ...flagsWithoutBuilder] = flags;

const buildRoot = `
build_root_image: {namespace: scene, name: builder, tag: "1"}
`;

describeWith(["cli"], "one image", () => {
  let scene: ComposeScene;
  let first: ReadImage;
  let name: string;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    name = `${scene.registry.host}/scene/one:1`;
    first = await composed({ args: flags });
  });
  afterAll(() => scene.stop());

  const here = (text: string): string => text.replaceAll("registry.example", scene.registry.host);

  async function print(args: readonly string[], input?: string): Promise<string> {
    const result = await runCli(args.map(here), input === undefined ? {} : { input: here(input) });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return result.stdout;
  }

  async function composed({ args, input }: Way): Promise<ReadImage> {
    const printed = await print(args, input);
    const image = await readImage(name);
    expect(printed).toBe(`${name.replace(/:1$/, "")}@${image.digest}\n`);
    return image;
  }

  test.each<[title: string, way: () => Way | Promise<Way>]>([
    ["a compose.yaml", () => ({ args: ["-f", "-"], input: file })],
    ["a Build of Shipwright", () => ({ args: ["-f", "-", ...tag], input: build })],
    ["a Dockerfile", () => ({ args: ["--dockerfile", "-", ...tag], input: dockerfile })],
    [
      "the builder in a repository's .ci-operator.yaml",
      async () => {
        const directory = await temporaryDirectory("one-image");
        await writeFile(join(directory, ".ci-operator.yaml"), buildRoot);
        const named = ["--builder-from-repository", directory, "--imagestream-registry", "registry.example"];
        return { args: [...named, ...flagsWithoutBuilder] };
      },
    ],
    [
      "the builder in a Dockerfile",
      () => ({
        args: ["--builder-from-dockerfile", "-", "--stage", "build", ...flagsWithoutBuilder],
        input: dockerfile,
      }),
    ],
    ["what plan prints", async () => ({ args: ["-f", "-"], input: await print(["plan", ...flags]) })],
    [
      "what dockerfile prints",
      async () => ({ args: ["-f", "-", ...tag], input: await print(["dockerfile", ...flags]) }),
    ],
    ["what explain prints of it", async () => ({ args: ["-f", "-"], input: await print(["explain", name]) })],
    ["its own record", () => ({ args: ["recompose", name] })],
  ])(
    "is the same to the byte when it is described by %s: layer, configuration and record",
    async (_, way) => {
      const image = await composed(await way());
      expect(image.top.digest).toBe(first.top.digest);
      expect(image.config).toEqual(first.config);
      expect(image.manifest.annotations).toEqual(first.manifest.annotations);
      expect(image.digest).toBe(first.digest);
    },
  );

  test("has the same files and configuration by a BuildConfig of OpenShift, whose context is a stage", async () => {
    const image = await composed({ args: ["-f", "-"], input: buildConfig });
    expect(image.top.digest).toBe(first.top.digest);
    expect(image.config.config).toEqual(first.config.config);
    expect(image.config.rootfs).toEqual(first.config.rootfs);
  });
});
