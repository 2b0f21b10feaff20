import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import { type CliOptions, type CliResult, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

describeWith(["cli"], "compose --file", () => {
  let scene: ComposeScene;
  let tools: string;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    tools = await scene.add(
      "tools",
      makeImage({
        layers: [{ files: [{ path: "bin/" }, { path: "bin/tini", content: "tini", mode: 0o755 }] }],
      }),
    );
  });
  afterEach(() => scene.proxy.forget());
  afterAll(() => scene.stop());

  /** The scene's images by the proxy, so that every request is seen. */
  const file = (name: string, more = ""): string => `builder: ${scene.proxy.host}/scene/builder:1
base: ${scene.proxy.host}/scene/base:1
copy: [/app]
tags: ["${scene.proxy.host}/scene/${name}:1"]
${more}`;

  async function succeed(
    input: string,
    args: readonly string[] = [],
    options: CliOptions = {},
  ): Promise<CliResult> {
    const result = await runCli(["-f", "-", ...args], { input, ...options });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return result;
  }

  async function refused(
    input: string,
    refusal: Omit<Refusal, "status">,
    args: readonly string[] = [],
  ): Promise<void> {
    const result = await runCli(["-f", "-", ...args], { input });
    await expectRefusal(result, { status: 2, ...refusal });
    expect(scene.proxy.exchanges).toEqual([]);
  }

  test("makes the image that flags make, and so does what plan prints of either", async () => {
    const flags = [
      ...["--builder", scene.names.builder, "--base", scene.names.base, "--directory", "/app:/srv/app"],
      ...[
        "--chown",
        "web",
        "--exclude",
        "logs",
        "--env",
        "A=5$",
        "--label",
        "a.b=c",
        "--workdir",
        "/srv/app",
      ],
      ...["--user", "web", "--entrypoint", '["node","server.js"]', "--expose", "8080", "--annotation", "k=v"],
      ...["--source-date-epoch", "1700000000", "--compression", "gzip:1", "--history-comment", "by hand"],
    ];
    const tag = (name: string) => `${scene.registry.host}/scene/equal:${name}`;
    const yaml = `
builder: ${scene.names.builder}
base: ${scene.names.base}
copy: [{src: /app, dst: /srv/app, chown: web, exclude: [logs]}]
env: {A: 5$$}
labels: {a.b: c}
workdir: /srv/app
user: web
entrypoint: [node, server.js]
expose: [8080]
annotations: {k: v}
sourceDateEpoch: 1700000000
compression: gzip:1
historyComment: by hand
tags: ["${tag("file")}"]
`;
    await expect(runCli([...flags, "--tag", tag("flags")])).resolves.toMatchObject({ status: 0 });
    await succeed(yaml);
    const planned = await runCli(["plan", "-f", "-", "--tag", tag("planned")], { input: yaml });
    expect(planned, planned.stderr).toMatchObject({ status: 0, stderr: "" });
    await succeed(planned.stdout);
    const digests = await Promise.all(
      ["flags", "file", "planned"].map(async (name) => (await readImage(tag(name))).digest),
    );
    expect(new Set(digests).size, digests.join(" ")).toBe(1);

    const ofFlags = await runCli(["plan", ...flags, "--tag", tag("planned")]);
    expect(ofFlags.stdout).toBe(planned.stdout);
    const again = await runCli(["plan", "-f", "-"], { input: planned.stdout });
    expect(again.stdout).toBe(planned.stdout);
  });

  test("copies from several builders", async () => {
    const name = `${scene.registry.host}/scene/several`;
    await succeed(`
builders: {app: ${scene.names.builder}, tools: ${tools}}
base: scratch
copy:
  - {from: app, src: /app/server.js, dst: /srv/}
  - {from: tools, src: [/bin/tini, "/bin/t*"], dst: /sbin/}
  - {from: ${tools}, src: /bin}
tags: ["${name}:1"]
`);
    const { top, manifest } = await readImage(`${name}:1`);
    expect([...top.entries.keys()]).toEqual(
      expect.arrayContaining(["srv/server.js", "sbin/tini", "bin/tini"]),
    );
    expect(JSON.parse(manifest.annotations?.["io.github.compose-image.builders"] ?? "")).toHaveLength(2);
  });

  test("copies from stages and extends what the base has set, and so does what plan prints", async () => {
    const tag = (name: string) => `${scene.registry.host}/scene/staged:${name}`;
    const yaml = `
builders: {app: ${scene.names.builder}, tools: ${tools}}
stages:
  files:
    base: ${scene.names.base}
    workdir: /srv
    copy:
      - {from: app, src: /app, dst: ., chown: web, exclude: [logs]}
      - {from: tools, src: /bin/tini, dst: bin/}
  kept: {base: scratch, copy: [{from: files, src: /srv, dst: /}]}
base: ${scene.names.base}
copy:
  - {from: kept, src: /, dst: /opt/app}
  - {from: files, src: "\${base:ETC:-/etc}/passwd", dst: /opt/users}
env: {PATH: "/opt/app/bin:\${base:PATH}"}
tags: ["${tag("file")}"]
`;
    await succeed(yaml);
    const planned = await runCli(["plan", "-f", "-", "--tag", tag("planned")], { input: yaml });
    expect(planned, planned.stderr).toMatchObject({ status: 0, stderr: "" });
    await succeed(planned.stdout);
    const { top, config, manifest, digest } = await readImage(tag("file"));
    const paths = ["bin", "bin/tini", "data", "server.js"].map((path) => `opt/app/${path}`);
    expect([...top.entries.keys()]).toEqual(["opt", "opt/app", ...paths, "opt/users"]);
    expect(top.entries.get("opt/app/server.js")).toMatchObject({ header: { uid: 1001, gid: 1002 } });
    expect(config.config.Env).toEqual(["PATH=/opt/app/bin:/bin"]);
    expect(manifest.annotations?.["io.github.compose-image.config"]).not.toContain("compose.yaml");
    expect((await readImage(tag("planned"))).digest).toBe(digest);
  });

  test("makes an image of each document, over the same connections", async () => {
    const directory = await temporaryDirectory("several");
    const digests = join(directory, "digests");
    const input = `${file("first")}---\n${file("second", "env: {A: b}\n")}`;
    const { stdout, stderr } = await succeed(input, ["--digest-file", digests]);
    const images = await Promise.all(
      ["first", "second"].map((name) => readImage(`${scene.registry.host}/scene/${name}:1`)),
    );
    expect(stdout).toBe(
      images
        .map(({ digest }, i) => `${scene.proxy.host}/scene/${["first", "second"][i]}@${digest}\n`)
        .join(""),
    );
    expect(await readFile(digests, "utf8")).toBe(images.map(({ digest }) => `${digest}\n`).join(""));
    expect(images.map(({ config }) => config.config.Env)).toEqual([["PATH=/bin"], ["PATH=/bin", "A=b"]]);
    expect(stderr.match(/^composed /gm)).toHaveLength(2);
    expect(scene.proxy.exchanges.filter(({ path }) => path === "/v2/")).toHaveLength(1);

    const json = await succeed(input, ["--json", "--quiet"]);
    expect(JSON.parse(json.stdout)).toMatchObject(images.map(({ digest }) => ({ digest })));
  });

  test("leaves the images before one that fails, and says so", async () => {
    const second = file("after").replace("copy: [/app]", "copy: [/nowhere]");
    const result = await runCli(["-f", "-"], { input: `${file("before")}---\n${second}` });
    const { digest } = await readImage(`${scene.registry.host}/scene/before:1`);
    expect(result).toMatchObject({ status: 4, stdout: `${scene.proxy.host}/scene/before@${digest}\n` });
    expect(result.stderr).toContain(`moved before: ${scene.proxy.host}/scene/before:1`);
  });

  test("reads a file by its name, and takes variables from the command line and, when asked to, the environment", async () => {
    const directory = await temporaryDirectory("variables");
    await writeFile(
      join(directory, "app.yaml"),
      file("${NAME}", "env: {A: '${A}', HOME: '${HOME:-none}'}\n"),
    );
    const name = `${scene.registry.host}/scene/named`;
    const result = await runCli(["-f", "app.yaml", "--var", "NAME=named", "--var", "A"], {
      cwd: directory,
      env: { A: "from outside" },
    });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect((await readImage(`${name}:1`)).config.config.Env).toContain("A=from outside");
    expect((await readImage(`${name}:1`)).config.config.Env).toContain("HOME=none");
  });

  test("counts for the time before SOURCE_DATE_EPOCH, and flags before both", async () => {
    const env = { SOURCE_DATE_EPOCH: "3" };
    const created = async (args: readonly string[], more: string) => {
      await succeed(file("epoch", more), args, { env });
      return (await readImage(`${scene.registry.host}/scene/epoch:1`)).config.created;
    };
    expect(await created([], "")).toBe("1970-01-01T00:00:03Z");
    expect(await created([], "sourceDateEpoch: 2\n")).toBe("1970-01-01T00:00:02Z");
    expect(await created(["--source-date-epoch", "1"], "sourceDateEpoch: 2\n")).toBe("1970-01-01T00:00:01Z");
  });

  test("has references replaced, with a file and without", async () => {
    const input = file("replaced").replaceAll(scene.proxy.host, "registry.example/team");
    const replace = ["--replace", `registry.example/team=${scene.registry.host}`];
    await succeed(input, replace);
    const { digest } = await readImage(`${scene.registry.host}/scene/replaced:1`);
    const flags = {
      builder: "registry.example/team/scene/builder:1",
      base: "registry.example/team/scene/base:1",
      tag: "registry.example/team/scene/replaced:flags",
    };
    const result = await runCli([...scene.arguments(flags), ...replace]);
    expect(result.stdout).toBe(`${scene.registry.host}/scene/replaced@${digest}\n`);
  });

  test.each<[title: string, input: () => string, args: string[], refusal: Omit<Refusal, "status">]>([
    [
      "a key that nobody knows",
      () => file("wrong", "entrypiont: [a]\n"),
      [],
      {
        code: "USAGE",
        message: ['<stdin>:5:1: "entrypiont" is not a known key'],
        hint: "Did you mean entrypoint?",
      },
    ],
    [
      "a fault in the last of several documents",
      () => `${file("one")}---\n${file("two", "expose: [http]\n")}`,
      [],
      { code: "USAGE", message: ["<stdin>:10:10: expose[0] http is not a port"], hint: "65535" },
    ],
    [
      "what is no YAML",
      () => `${file("wrong")}env: {A\n`,
      [],
      { code: "USAGE", message: [/<stdin>:\d+:\d+: /], hint: "brackets" },
    ],
    [
      "a variable that is not given",
      () => file("${NAME}"),
      [],
      { code: "USAGE", message: ["<stdin>:4:8: tags[0] needs the variable NAME"], hint: "--var NAME=VALUE" },
    ],
    [
      "a variable that the environment has not",
      () => file("x"),
      ["--var", "NOT_SET"],
      {
        code: "USAGE",
        message: ["--var NOT_SET: the environment has no NOT_SET"],
        hint: "--var NOT_SET=VALUE",
      },
    ],
    [
      "a variable without a name",
      () => file("x"),
      ["--var", "1=2"],
      { code: "USAGE", message: ["--var 1 is not a variable's name"], hint: "letters" },
    ],
    [
      "an image that is named twice",
      () => `${file("x")}---\n${file("y")}`,
      ["--tag", "registry.example/x:1"],
      {
        code: "USAGE",
        message: ["<stdin>:6:1: registry.example/x:1 is the name", "<stdin>:1:1"],
        hint: "tags of its own",
      },
    ],
    [
      "a metadata file for two images",
      () => `${file("x")}---\n${file("y")}`,
      ["--metadata-file", "m.json"],
      { code: "USAGE", message: ["--metadata-file is for one image, and these are 2"], hint: "--json" },
    ],
    [
      "a file without end",
      () => "#".repeat(1024 * 1024 + 1),
      [],
      { code: "USAGE", message: ["--file - is larger than 1048576 bytes"], hint: "lines of text" },
    ],
    [
      "another object of Kubernetes",
      () => "apiVersion: v1\nkind: Pod\n",
      [],
      { code: "USAGE", message: ['<stdin>:1:1: the document has the kind "Pod"'], hint: "Build" },
    ],
  ])("refuses %s with 2, before anything is asked of a registry", (_, input, args, refusal) =>
    refused(scene === undefined ? "" : input(), refusal, args),
  );

  test("refuses a file that is not there, a directory, and options that are for a file", async () => {
    const refusals: [string[], Refusal][] = [
      [
        ["-f", "no.yaml"],
        { status: 2, code: "USAGE", message: ["--file no.yaml is not there"], hint: "current directory" },
      ],
      [
        ["-f", "one.yaml", "-f", "two.yaml"],
        {
          status: 2,
          code: "USAGE",
          message: ["--file is given twice: one.yaml and two.yaml"],
          hint: "--set",
        },
      ],
      [["-f", "/"], { status: 2, code: "USAGE", message: ["--file / is a directory"], hint: "file in it" }],
      [
        ["--set", "a=b"],
        { status: 2, code: "USAGE", message: ["--set a: there is no file"], hint: "--file" },
      ],
      [
        ["--var", "a=b"],
        { status: 2, code: "USAGE", message: ["--var a: there is no file"], hint: "--file" },
      ],
    ];
    const latin1 = join(await temporaryDirectory("latin1"), "latin1.yaml");
    await writeFile(latin1, Buffer.from("base: \xe4", "latin1"));
    refusals.push([
      ["-f", latin1],
      { status: 2, code: "USAGE", message: ["latin1.yaml is not UTF-8"], hint: "UTF-8" },
    ]);
    for (const [args, refusal] of refusals) await expectRefusal(await runCli(args), refusal);
  });

  test("schema prints what the library's table says, plan refuses as compose does", async () => {
    const { stdout, status } = await runCli(["schema"]);
    expect(status).toBe(0);
    expect(parse(stdout)).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    await expectRefusal(await runCli(["plan", "-f", "-"], { input: "base: scratch\n" }), {
      status: 2,
      code: "USAGE",
      message: ["<stdin>:1:1: the document does not say what to copy from"],
      hint: "--builder",
    });
  });
});
