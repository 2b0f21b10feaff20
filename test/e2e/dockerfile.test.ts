import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** As an enhancement proposal for Shipwright has it: made from the fields of a Build. */
const generated = `FROM output-image:tag as builder

FROM runtime-image:tag
ENV VARIABLE=value
LABEL label=value
COPY --from=builder "/path/to/source" "/path/to/destination"
WORKDIR "/path/to/destination"
ENTRYPOINT [ "command", "args" ]
`;

/** As a lecture on multi-stage builds has it. */
const lecture = `FROM maven:3.8.5-openjdk-11-slim as build
ENV MAVEN_OPTS="-XX:+TieredCompilation -XX:TieredStopAtLevel=1"
WORKDIR /app
# fetch dependencies
COPY pom.xml .
RUN mvn dependency:go-offline
# build source
COPY ./src ./src
RUN mvn clean install -Dmaven.test.skip=true
FROM openjdk:11.0.10-jre-slim as run
COPY --from=build /app/target/*.jar /app/spring-boot-application.jar
ENTRYPOINT ["java", "-Xmx300m", "-Xms300m", "-XX:TieredStopAtLevel=1", "-noverify", "-jar", \\
"/app/spring-boot-application.jar"]
EXPOSE 8080
`;

describeWith(["cli"], "compose by a Dockerfile", () => {
  let scene: ComposeScene;
  let output: string;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry(), 1024);
    output = await scene.add(
      "output",
      makeImage({
        layers: [
          {
            files: [
              { path: "path/to/source/file", content: "one\n" },
              { path: "app/target/app.jar", content: "jar\n" },
            ],
          },
        ],
      }),
    );
  });
  afterAll(() => scene.stop());

  const targetOf = (name: string): string => `${scene.registry.host}/scene/${name}:1`;

  it("that a Build would have generated, from standard input, as it stands", async () => {
    const result = await runCli(
      [
        ...["--dockerfile", "-", "--record", "none", "--tag", targetOf("generated")],
        ...["--replace", `output-image:tag=${output}`, "--replace", `runtime-image:tag=${scene.names.base}`],
      ],
      { input: generated },
    );
    expect(result).toMatchObject({ status: 0, stderr: expect.stringContaining("composed") });
    const { config, top } = await readImage(targetOf("generated"));
    expect(config.config).toMatchObject({
      Env: ["PATH=/bin", "VARIABLE=value"],
      Labels: { vendor: "base", label: "value" },
      WorkingDir: "/path/to/destination",
      Entrypoint: ["command", "args"],
    });
    expect(config.config).not.toHaveProperty("Cmd");
    expect([...top.entries.keys()]).toContain("path/to/destination/file");
    const flags = await runCli([
      ...["--builder", output, "--base", scene.names.base, "--record", "none"],
      ...["--directory", "/path/to/source:/path/to/destination", "--workdir", "/path/to/destination"],
      ...["--env", "VARIABLE=value", "--label", "label=value", "--entrypoint", '["command","args"]'],
      ...["--tag", targetOf("generated")],
    ]);
    expect(flags.stdout).toBe(result.stdout);
  });

  it("of a lecture, its build stage replaced by the image that was built of it", async () => {
    const directory = await temporaryDirectory("lecture");
    await writeFile(join(directory, "Dockerfile"), lecture);
    const refusal: Refusal = {
      status: 2,
      code: "USAGE",
      message: ["Dockerfile:6:1: RUN would execute something"],
      hint: "docker build --target build",
    };
    const common = ["-f", "Dockerfile", "--replace", `openjdk=${scene.names.base.replace(/:1$/, "")}`];
    const args = [...common, "--tag", targetOf("lecture")];
    await expectRefusal(await runCli(args, { cwd: directory }), refusal);
    const replaced = [
      ...["--dockerfile", "Dockerfile", "--tag", targetOf("lecture"), "--build-context", `build=${output}`],
      ...["--replace", `openjdk:11.0.10-jre-slim=${scene.names.base}`, "--env", "EXTRA=1"],
    ];
    expect(await runCli(replaced, { cwd: directory })).toMatchObject({ status: 0 });
    const { config, top } = await readImage(targetOf("lecture"));
    expect(config.config).toMatchObject({ Env: ["PATH=/bin", "EXTRA=1"], ExposedPorts: { "8080/tcp": {} } });
    expect([...top.entries.keys()]).toContain("app/spring-boot-application.jar");
  });

  it("with files of a context, build arguments and a target; plan prints the same", async () => {
    const directory = await temporaryDirectory("context");
    await mkdir(join(directory, "site", "drafts"), { recursive: true });
    await writeFile(join(directory, "site", "index.html"), "hello\n");
    await writeFile(join(directory, "site", "drafts", "later.html"), "later\n");
    await writeFile(join(directory, "Containerfile.dockerignore"), "drafts\n");
    await writeFile(
      join(directory, "Containerfile"),
      `ARG BASE\nFROM $BASE AS site\nARG VERSION=0\nWORKDIR /site\nCOPY . .\nLABEL version=$VERSION\nFROM scratch\nRUN x\n`,
    );
    const args = [
      ...["--file", "Containerfile", "--context", "site", "--target", "site", "--tag", targetOf("site")],
      ...["--build-arg", `BASE=${scene.names.base}`, "--build-arg", "VERSION", "--record", "none"],
    ];
    const env = { VERSION: "1.2.3" };
    const result = await runCli(args, { cwd: directory, env });
    expect(result).toMatchObject({ status: 0 });
    const { config, top } = await readImage(targetOf("site"));
    expect(config.config).toMatchObject({ Labels: { version: "1.2.3" }, WorkingDir: "/site" });
    expect([...top.entries.keys()]).toEqual(["site", "site/index.html"]);
    const plan = await runCli(["plan", ...args], { cwd: directory, env });
    expect(plan.stdout).toContain("version: 1.2.3");
    expect(plan.stdout).toContain("- Containerfile.dockerignore\n  - site/.dockerignore\n");
    const again = await runCli(["--file", "-"], { cwd: directory, input: plan.stdout });
    expect(again.stdout).toBe(result.stdout);
  });

  it("on a base with ONBUILD, or with a shell of its own, is refused before a layer is read", async () => {
    const base = await scene.add(
      "onbuild",
      makeImage({ layers: [{ files: [] }], execution: { OnBuild: ["RUN x"] } }),
    );
    const shell = await scene.add(
      "shell",
      makeImage({ layers: [{ files: [] }], execution: { Shell: ["/bin/bash", "-c"] } }),
    );
    const args = ["--dockerfile", "-", "--tag", targetOf("refused")];
    await expectRefusal(await runCli(args, { input: `FROM ${base}\nENV A=1\n` }), {
      status: 2,
      code: "USAGE",
      message: ["<stdin>:1:6: base", "onbuild:1", "has ONBUILD instructions"],
      hint: "Dockerfile",
    });
    const copied = `FROM ${base} AS x\nFROM scratch\nCOPY --from=x /a /b\n`;
    await expectRefusal(await runCli(args, { input: copied }), {
      status: 2,
      code: "USAGE",
      message: ["<stdin>:1:6: builder", "onbuild:1", "has ONBUILD instructions"],
      hint: "Dockerfile",
    });
    await expectRefusal(await runCli(args, { input: `FROM ${shell}\nCMD echo\n` }), {
      status: 2,
      code: "USAGE",
      message: ["<stdin>:2:1: base", "names a shell of its own"],
      hint: "SHELL",
    });
  });

  describe("asks nothing of a registry", () => {
    const usage = { status: 2, code: "USAGE" } as const;

    it.each<
      [what: string, text: string, args: readonly string[], refusal: Pick<Refusal, "message" | "hint">]
    >([
      [
        "when something in the last line is wrong",
        "FROM PROXY/scene/base:1\nCOPY --from=PROXY/scene/builder:1 /app /app\nEXPOSE x\n",
        [],
        { message: ["<stdin>:3:8: x is not a port"], hint: "65535" },
      ],
      [
        "when something would have to be executed",
        "FROM PROXY/scene/base:1\nRUN make\n",
        [],
        { message: ["<stdin>:2:1: RUN would execute"], hint: "base image" },
      ],
      [
        "when a build argument is not taken",
        "FROM PROXY/scene/base:1\n",
        ["--build-arg", "X=secret"],
        { message: ["--build-arg X: no ARG"], hint: "ARG X" },
      ],
      [
        "when an option is for another kind of file",
        "FROM PROXY/scene/base:1\n",
        ["--var", "X=secret"],
        { message: ["--var X: <stdin> is a Dockerfile"], hint: "compose.yaml" },
      ],
      [
        "when the target is not there",
        "FROM PROXY/scene/base:1 AS a\n",
        ["--target", "b"],
        { message: ["--target b: <stdin> has no such stage"], hint: "stages are a" },
      ],
    ])("%s", async (_, text, args, refusal) => {
      scene.proxy.forget();
      const input = text.replaceAll("PROXY", scene.proxy.host);
      const result = await runCli(["--dockerfile", "-", "--tag", scene.names.targetByProxy, ...args], {
        input,
      });
      await expectRefusal(result, { ...usage, ...refusal, secrets: ["secret"] });
      expect(scene.proxy.exchanges).toEqual([]);
    });

    it("when flags and files do not go together", async () => {
      const run = (...args: string[]) => runCli(args, { input: "base: x\n" });
      await expectRefusal(await run("--target", "a", "--tag", "t"), {
        ...usage,
        message: ["--target a: there is no file that it could be for"],
        hint: "--dockerfile",
      });
      await expectRefusal(await run("-f", "-", "--build-arg", "A=1"), {
        ...usage,
        message: ["--build-arg A: <stdin> is no Dockerfile"],
        hint: "--dockerfile",
      });
      await expectRefusal(await run("-f", "a", "--dockerfile", "b"), {
        ...usage,
        message: ["there is --file a and --dockerfile b"],
        hint: "one of them",
      });
      await expectRefusal(await run("--dockerfile", "nowhere"), {
        ...usage,
        message: ["--dockerfile nowhere is not there"],
        hint: "path",
      });
      await expectRefusal(await run("--dockerfile", "/"), {
        ...usage,
        message: ["--dockerfile / is a directory"],
        hint: "file in it",
      });
    });
  });
});
