import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const buildRoot = "build_root_image:\n  name: release\n  namespace: openshift\n  tag: golang-1.14\n";

/** The Dockerfile that such a repository is promoted with. */
const promotion = `ARG GO=1.13
FROM registry.example/openshift/release:golang-$GO AS builder
COPY . .
RUN make build
FROM registry.example/openshift/base:1
COPY --from=builder /go/bin/app /usr/bin/
`;

describeWith(["cli"], "compose with the builder from a repository", () => {
  let scene: ComposeScene;
  let repository: string;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    await pushMade(scene.builder, scene.registry.url, "openshift/release:golang-1.14");
    repository = join(await temporaryDirectory("repository"), "src");
    await mkdir(repository);
    await writeFile(join(repository, ".ci-operator.yaml"), buildRoot);
    await writeFile(join(repository, "Dockerfile"), promotion);
  });
  beforeEach(() => scene.proxy.forget());
  afterAll(() => scene.stop());

  const flags = (name: string): string[] => [
    ...["--base", scene.names.base, "--directory", "/app:/srv/app"],
    ...["--tag", `${scene.registry.host}/built/${name}:1`],
  ];

  async function expectBuilt(name: string, builder: string): Promise<void> {
    const image = await readImage(`${scene.registry.host}/built/${name}:1`);
    expect([...image.top.entries.keys()]).toEqual(
      expect.arrayContaining(["srv/app/server.js", "srv/app/logs/today"]),
    );
    expect(image.config.config).toMatchObject({ Cmd: ["/bin/sh"], Labels: { vendor: "base" } });
    expect(JSON.parse(image.manifest.annotations?.["io.github.compose-image.builders"] ?? "")).toEqual([
      { reference: builder, digest: scene.builder.top.descriptor.digest },
    ]);
  }

  test("takes from the image stream that the repository names, at the registry that is given", async () => {
    const streams = ["--imagestream-registry", scene.registry.host];
    const result = await runCli([...flags("flags"), "--builder-from-repository", "src", ...streams], {
      cwd: join(repository, ".."),
    });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    await expectBuilt("flags", `${scene.registry.host}/openshift/release:golang-1.14`);
  });

  test("takes from what a compose.yaml maps it to, in place of the file's builder", async () => {
    const file = `builder: registry.example/other:1
base: ${scene.names.base}
copy: ["/app:/srv/app"]
tags: ["${scene.registry.host}/built/file:1"]
imagestreams:
  openshift/release:golang-1.14: ${scene.names.builder}
`;
    const result = await runCli(["-f", "-", "--builder-from-repository", repository], { input: file });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    await expectBuilt("file", scene.names.builder);
  });

  test("takes from what a stage of its Dockerfile is built on", async () => {
    const { host } = scene.registry;
    const result = await runCli(
      [
        ...flags("dockerfile"),
        ...["--builder-from-dockerfile", "Dockerfile", "--stage", "builder", "--build-arg", "GO=1.14"],
        ...["--replace", `registry.example=${host}`, "--allow-registry", `${host}/openshift`],
      ],
      { cwd: repository },
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    await expectBuilt("dockerfile", `${host}/openshift/release:golang-1.14`);
  });

  test("prints with plan which image it is", async () => {
    const args = ["--builder-from-dockerfile", `${repository}/Dockerfile`, "--stage", "first"];
    const result = await runCli(["plan", ...flags("plan"), ...args]);
    expect(result.stdout).toContain("builder: registry.example/openshift/release:golang-1.13\n");
  });

  test.each<[what: string, args: () => string[], refusal: Omit<Refusal, "status" | "code">]>([
    [
      "a directory without the file, with the path that was looked at",
      () => ["--builder-from-repository", "../src/.."],
      { message: [/--builder-from-repository: \/.*\/\.ci-operator\.yaml is not there/], hint: "path" },
    ],
    [
      "a file in the place of the directory",
      () => ["--builder-from-repository", `${repository}/.ci-operator.yaml`],
      { message: ["/src/.ci-operator.yaml/.ci-operator.yaml is not there"], hint: "path" },
    ],
    [
      "another builder beside it",
      () => ["--builder-from-repository", repository, "--builder", scene.names.builderByProxy],
      { message: ["--builder and --builder-from-repository both name the builder"], hint: "one of them" },
    ],
    [
      "an image stream that nothing leads to",
      () => ["--builder-from-repository", repository],
      {
        message: [`${"/.ci-operator.yaml:2:3: build_root_image"}`, "openshift/release:golang-1.14"],
        hint: "--imagestream-registry HOST",
      },
    ],
    [
      "a Dockerfile's image that is in another registry than the allowed",
      () => ["--builder-from-dockerfile", `${repository}/Dockerfile`, "--allow-registry", scene.proxy.host],
      {
        message: ["/Dockerfile:5:6: registry.example/openshift/base:1 is in no registry that is allowed"],
        hint: "--replace FROM=TO",
      },
    ],
    [
      "two files on standard input",
      () => ["--file", "-", "--builder-from-dockerfile", "-"],
      {
        message: ["--file and --builder-from-dockerfile are both to be standard input"],
        hint: "Name a file",
      },
    ],
    [
      "a stage of no Dockerfile",
      () => ["--builder", scene.names.builderByProxy, "--stage", "builder"],
      {
        message: ["--stage: there is no Dockerfile that names the builder"],
        hint: "--builder-from-dockerfile",
      },
    ],
    [
      "a registry for no image stream",
      () => ["--builder", scene.names.builderByProxy, "--imagestream-registry", "registry.example"],
      { message: ["--imagestream-registry: there is no image stream"], hint: "--builder-from-repository" },
    ],
  ])("refuses %s, and asks nothing of any registry", async (_, args, refusal) => {
    const target = ["--base", `${scene.proxy.host}/scene/base:1`, "--tag", scene.names.targetByProxy];
    const result = await runCli([...target, "--directory", "/app", ...args()]);
    await expectRefusal(result, { status: 2, code: "USAGE", ...refusal });
    expect(scene.proxy.exchanges).toEqual([]);
  });
});
