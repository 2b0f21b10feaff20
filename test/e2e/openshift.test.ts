import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** The example of the article, as it stands there. */
const runtimeDockerfile = `FROM mhart/alpine-node:base-8
COPY * /run/
EXPOSE 8080
CMD ["node", "/run/app.js"]
`;

/** The BuildConfig that `oc new-build` makes of it, as it prints it with `-o yaml`. */
const runtimeBuildConfig = `apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata:
  annotations:
    openshift.io/generated-by: OpenShiftNewBuild
  creationTimestamp: null
  labels:
    build: runtime
  name: runtime
  namespace: hello
spec:
  nodeSelector: null
  output:
    to:
      kind: ImageStreamTag
      name: runtime:latest
  postCommit: {}
  resources: {}
  source:
    dockerfile: |
      FROM mhart/alpine-node:base-8
      COPY * /run/
      EXPOSE 8080
      CMD ["node", "/run/app.js"]
    images:
    - as: null
      from:
        kind: ImageStreamTag
        name: builder:latest
      paths:
      - destinationDir: .
        sourcePath: /opt/app-root/src
    type: Dockerfile
  strategy:
    dockerStrategy:
      from:
        kind: ImageStreamTag
        name: alpine-node:base-8
    type: Docker
  triggers:
  - github:
      secret: ${"x".repeat(8)}
    type: GitHub
  - type: ConfigChange
  - imageChange: {}
    type: ImageChange
status:
  lastVersion: 0
`;

const builder = makeImage({
  layers: [
    {
      files: [
        { path: "opt/" },
        { path: "opt/app-root/" },
        { path: "opt/app-root/src/", uid: 1001 },
        { path: "opt/app-root/src/app.js", content: "require('http')", uid: 1001, mode: 0o664 },
        { path: "opt/app-root/src/node_modules/", uid: 1001 },
        { path: "opt/app-root/src/node_modules/a.js", content: "a", uid: 1001 },
        { path: "usr/" },
        { path: "usr/bin/" },
        { path: "usr/bin/gcc", content: "large" },
      ],
    },
  ],
});

const alpine = makeImage({
  layers: [{ files: [{ path: "usr/" }, { path: "usr/bin/" }, { path: "usr/bin/node", content: "node" }] }],
  execution: { Env: ["PATH=/usr/bin"] },
});

for (const { name, needs, start } of registryKinds) {
  describeWith(["cli", ...needs], `the chained build of the article, by way of ${name}`, () => {
    let registry: Registry;

    beforeAll(async () => {
      registry = await start();
      await pushMade(builder, registry.url, "hello/builder:latest");
      await pushMade(alpine, registry.url, "mhart/alpine-node:base-8");
      await pushMade(alpine, registry.url, "hello/alpine-node:base-8");
    });
    afterAll(() => registry.stop());

    async function expectRuntime(reference: string): Promise<void> {
      const { config, manifest, top } = await readImage(reference);
      const files = [...top.entries].map(([path, { header }]) => [path, header.mode, header.uid]);
      expect(files).toEqual([
        ["run", 0o755, 0],
        ["run/app.js", 0o664, 0],
        ["run/node_modules", 0o755, 0],
        ["run/node_modules/a.js", 0o644, 0],
      ]);
      expect(manifest.layers).toHaveLength(2);
      expect(JSON.parse(manifest.annotations?.["io.github.compose-image.builders"] ?? "")).toEqual([
        { reference: `${registry.host}/hello/builder:latest`, digest: builder.top.descriptor.digest },
      ]);
      expect(config.config).toEqual({
        Env: ["PATH=/usr/bin"],
        ExposedPorts: { "8080/tcp": {} },
        Cmd: ["node", "/run/app.js"],
      });
    }

    test("makes the lean image of what oc new-build is told, the Dockerfile on standard input", async () => {
      const tag = `${registry.host}/hello/by-flags:latest`;
      const result = await runCli(
        [
          ...["--source-image=builder", "--source-image-path=/opt/app-root/src:.", "--dockerfile=-"],
          ...["--tag", tag, "--replace", `docker.io/library=${registry.host}/hello`],
          ...["--replace", `docker.io/mhart=${registry.host}/mhart`],
        ],
        { input: runtimeDockerfile },
      );
      expect(result, result.stderr).toMatchObject({ status: 0 });
      await expectRuntime(tag);
    });

    test("makes the same of the BuildConfig that oc new-build makes, and of what plan prints of it", async () => {
      const args = ["-f", "-", "--imagestream-registry", registry.host];
      const result = await runCli(args, { input: runtimeBuildConfig });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      await expectRuntime(`${registry.host}/hello/runtime:latest`);
      const plan = await runCli(["plan", ...args], { input: runtimeBuildConfig });
      expect(plan.stdout).toContain("stages:\n  build-context:\n    base: scratch\n");
      const again = await runCli(["-f", "-"], { input: plan.stdout });
      expect(again.stdout, again.stderr).toBe(result.stdout);
    });
  });
}

describeWith(["cli"], "a build context from images", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
  });
  afterAll(() => scene.stop());

  test("has what cp -r puts there, for every kind of source and destination", async () => {
    const files = ["opt/src/app.js", "opt/src/lib/a.js", "opt/other/b.js", "opt/odd [1]*/c.js", "opt/file"];
    const paths: [source: string, destination: string][] = [
      ["/opt/src", "."],
      ["/opt/src/", "."],
      ["/opt/src/.", "."],
      ["/opt/src", "deep/er"],
      ["/opt/src/.", "deep/er/"],
      ["/opt/src/lib/..", "./a/../b"],
      ["/opt/file", "."],
      ["/opt/file", "named"],
      ["//opt//src//app.js", "."],
      ["/opt/odd [1]*", "."],
      ["/opt/odd [1]*/.", "x"],
      ["/.", "all"],
    ];
    const root = await temporaryDirectory("root");
    const context = await temporaryDirectory("context");
    for (const file of files) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), file);
    }
    for (const [i, [source, destination]] of paths.entries()) {
      const directory = join(context, `row${i}`, destination);
      await mkdir(directory, { recursive: true });
      const given = join(root, source).replace(/\/$/, "");
      await run("cp", ["-r", source.endsWith("/.") ? `${given}/.` : given, directory]);
    }
    const directories = [...new Set(files.flatMap(parentsOf))].map((path) => ({ path: `${path}/` }));
    const image = makeImage({
      layers: [{ files: [...directories, ...files.map((path) => ({ path, content: path }))] }],
    });
    await pushMade(image, scene.registry.url, "context/source:1");
    const tag = `${scene.registry.host}/context/made:1`;
    const rows = paths.flatMap(([source, destination], i) => [
      "--source-image-path",
      `${source}:row${i}/${destination}`,
    ]);
    const result = await runCli(
      [
        ...["--source-image", `${scene.registry.host}/context/source:1`, ...rows],
        ...["--dockerfile", "-", "--tag", tag, "--platform", "linux/amd64"],
      ],
      { input: "FROM scratch\nCOPY . /\n" },
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const { top } = await readImage(tag);
    const expected = await readdir(context, { recursive: true });
    expect([...top.entries.keys()].sort()).toEqual(expected.sort());
  });

  test("is filled from several images in their order, each with the paths after it", async () => {
    const tag = `${scene.registry.host}/context/several:1`;
    const one = await scene.add("one", makeImage({ layers: [{ files: [{ path: "a", content: "1" }] }] }));
    const two = await scene.add(
      "two",
      makeImage({
        layers: [
          {
            files: [
              { path: "a", content: "2" },
              { path: "b", content: "2" },
            ],
          },
        ],
      }),
    );
    const result = await runCli(
      [
        ...["--source-image", one, "--source-image-path", "/a:.", "--source-image-path", "/a:first"],
        ...["--source-image", two, "--source-image-path", "/a:.", "--source-image-path", "/b:."],
        ...["--dockerfile", "-", "--tag", tag],
      ],
      { input: `FROM ${scene.names.base}\nCOPY a b first/a /out/\nCOPY first /first\n` },
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const { entries } = (await readImage(tag)).top;
    const contents = ["out/a", "out/b", "first/a"].map((path) => entries.get(path)?.content?.toString());
    expect(contents).toEqual(["1", "2", "1"]);
  });

  test.each<[what: string, args: readonly string[], refusal: Omit<Refusal, "status" | "code">]>([
    [
      "a Dockerfile that would run something",
      ["--source-image", "builder", "--source-image-path", "/a:."],
      { message: ["<stdin>:2:1: RUN would execute something"], hint: "base image" },
    ],
    [
      "paths without an image",
      ["--source-image-path", "/a:."],
      { message: ["--source-image-path /a:.: no --source-image is given"], hint: "Name the image" },
    ],
    [
      "a context beside it",
      ["--source-image", "builder", "--source-image-path", "/a:.", "--context", "."],
      { message: ["--context and --source-image both say"], hint: "one of them" },
    ],
    [
      "a builder beside it",
      ["--builder-from-repository", "."],
      { message: ["--builder-from-repository has no meaning with a Dockerfile"], hint: "--replace" },
    ],
  ])("refuses %s, and asks nothing of any registry", async (_, args, refusal) => {
    scene.proxy.forget();
    const input = `FROM ${scene.proxy.host}/scene/base:1\nRUN make\n`;
    const more = ["--dockerfile", "-", "--tag", scene.names.targetByProxy];
    const result = await runCli([...args, ...more], { input });
    await expectRefusal(result, { status: 2, code: "USAGE", ...refusal });
    expect(scene.proxy.exchanges).toEqual([]);
  });
});

/** Every directory that a file lies in. */
function parentsOf(path: string): string[] {
  const components = path.split("/").slice(0, -1);
  return components.map((_, i) => components.slice(0, i + 1).join("/"));
}
