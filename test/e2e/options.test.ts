import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, makeIndex, pushMade, saveMade } from "../support/make-image.ts";
import { type ReadImage, readImage, tagsOf } from "../support/read-image.ts";
import { expectRefusal } from "../support/refusal.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, type CliResult, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { makeCertificates, startTlsFront, type TlsFront } from "../support/tls-front.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoInspect, unpack } from "../support/unpack.ts";

describeWith(["cli", "docker-registry"], "the options of compose", () => {
  let scene: ComposeScene;
  /** A builder with more than a MiB in it: what is put aside goes to the temporary file by the MiB. */
  let large: string;
  let count = 0;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
    const content = randomBytes(3 * 1024 * 1024);
    large = await scene.add(
      "large",
      makeImage({ layers: [{ files: [{ path: "app/" }, { path: "app/data", content }] }] }),
    );
  });
  afterAll(() => scene.stop());

  /** Runs the command, which has to succeed and leave no file. */
  async function succeed(changes: ComposeArguments, options: CliOptions = {}): Promise<CliResult> {
    const result = await runCli(scene.arguments(changes), options);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await readdir(result.temporary)).toEqual([]);
    return result;
  }

  /** Composes under a new name and reads back what was pushed. */
  async function compose(changes: ComposeArguments = {}, options: CliOptions = {}): Promise<ReadImage> {
    count += 1;
    const name = `${scene.registry.host}/scene/result-${count}`;
    const { stdout } = await succeed({ tag: `${name}:1`, ...changes }, options);
    const image = await readImage(`${name}:1`);
    if (changes.json === undefined) expect(stdout).toBe(`${name}@${image.digest}\n`);
    return image;
  }

  test("without any, the image has the base's layers, one more, and the base's configuration", async () => {
    const { manifest, config, top, mediaType } = await compose();
    expect(mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
    expect(manifest.layers).toHaveLength(2);
    expect(manifest.layers[0]).toEqual(scene.base.layers[0]?.descriptor);
    expect(config.config).toEqual({ Env: ["PATH=/bin"], Cmd: ["/bin/sh"], Labels: { vendor: "base" } });
    expect(config.created).toBe("2026-01-02T03:04:05Z");
    expect([...top.entries.keys()]).toEqual([
      "app",
      "app/data",
      "app/logs",
      "app/logs/today",
      "app/server.js",
    ]);
    expect(manifest.annotations).toMatchObject({
      "org.opencontainers.image.base.name": scene.names.base,
      "org.opencontainers.image.base.digest": scene.base.top.descriptor.digest,
    });
    expect(JSON.stringify(manifest.annotations)).toContain(scene.builder.top.descriptor.digest);
  });

  test("--env and --label merge over the base's, and the last of a key counts", async () => {
    const { config } = await compose({
      env: ["NODE_ENV=test", "PATH=/usr/bin:/bin", "NODE_ENV=production", "EMPTY="],
      label: ["vendor=me", "a=b=c"],
    });
    expect(config.config.Env).toEqual(["PATH=/usr/bin:/bin", "NODE_ENV=production", "EMPTY="]);
    expect(config.config.Labels).toEqual({ vendor: "me", a: "b=c" });
  });

  test("--annotation is the manifest's, and the config's labels stay", async () => {
    const { manifest, config } = await compose({ annotation: "org.example.team=blue" });
    expect(manifest.annotations).toMatchObject({ "org.example.team": "blue" });
    expect(config.config.Labels).toEqual({ vendor: "base" });
  });

  test("--workdir, --user and --expose say so in the configuration, and the working directory is there", async () => {
    const { config, top } = await compose({
      workdir: "/srv/run",
      user: "web:staff",
      expose: ["8080", "53/udp", "9000-9001"],
    });
    expect(config.config).toMatchObject({ WorkingDir: "/srv/run", User: "web:staff" });
    expect(Object.keys(config.config.ExposedPorts ?? {})).toEqual([
      "8080/tcp",
      "53/udp",
      "9000/tcp",
      "9001/tcp",
    ]);
    expect(top.entries.get("srv/run")?.header).toMatchObject({
      type: "directory",
      mode: 0o755,
      uid: 0,
      gid: 0,
    });
  });

  test("--entrypoint clears the base's command, unless there is --cmd", async () => {
    const entrypoint = '["node","dist/server.js"]';
    const alone = await compose({ entrypoint });
    expect(alone.config.config).toMatchObject({ Entrypoint: ["node", "dist/server.js"] });
    expect(alone.config.config).not.toHaveProperty("Cmd");
    const both = await compose({ entrypoint: "/bin/app", cmd: '["--port","80"]' });
    expect(both.config.config).toMatchObject({ Entrypoint: ["/bin/app"], Cmd: ["--port", "80"] });
  });

  test("--history-comment is the new entry's", async () => {
    const { config } = await compose({ "history-comment": "built by hand" });
    expect(config.history).toHaveLength(2);
    expect(config.history[1]).toMatchObject({ comment: "built by hand" });
    expect(config.history[1]?.created_by).toMatch(/^COPY .*\/app \/app/);
  });

  test("--directory with a destination puts it there; repeated, it makes one layer", async () => {
    const { manifest, top } = await compose({
      directory: ["/app/logs:/var/log/app", "/app/server.js:/srv/"],
    });
    expect(manifest.layers).toHaveLength(2);
    expect([...top.entries.keys()]).toEqual([
      "srv",
      "srv/server.js",
      "var",
      "var/log",
      "var/log/app",
      "var/log/app/today",
    ]);
  });

  test.each([
    ["33:44", 33, 44],
    ["55", 55, 55],
    ["web", 1001, 1002],
    ["web:staff", 1001, 50],
    [":staff", 0, 50],
  ])("--chown %s gives the files to %i:%i", async (chown, uid, gid) => {
    const { top } = await compose({ chown });
    for (const [path, { header }] of top.entries) expect(header, path).toMatchObject({ uid, gid });
  });

  test("--chmod is the mode of every file", async () => {
    const { top } = await compose({ chmod: "2750" });
    for (const [path, { header }] of top.entries) expect(header.mode, path).toBe(0o2750);
  });

  test("--exclude leaves out, and takes in again after an exclamation mark", async () => {
    const { top } = await compose({ exclude: ["data", "logs/*", "!logs/today"] });
    expect([...top.entries.keys()]).toEqual(["app", "app/logs", "app/logs/today", "app/server.js"]);
  });

  test("--link does not look at the base: directories on the way are 0755 0:0, and no layer of it is read", async () => {
    const base = await scene.add(
      "sticky",
      makeImage({ layers: [{ files: [{ path: "srv/", mode: 0o1777, uid: 7, gid: 7 }] }] }),
    );
    const directory = "/app/logs:/srv/logs";
    const looked = await compose({ base, directory });
    expect(looked.top.entries.get("srv")?.header).toMatchObject({ mode: 0o1777, uid: 7, gid: 7 });
    scene.proxy.forget();
    const byProxy = base.replace(scene.registry.host, scene.proxy.host);
    const tag = `${scene.proxy.host}/scene/linked:1`;
    await succeed({ base: byProxy, directory, link: true, tag });
    const linked = await readImage(tag);
    expect(linked.top.entries.get("srv")?.header).toMatchObject({ mode: 0o755, uid: 0, gid: 0 });
    const hex = linked.manifest.layers[0]?.digest.slice("sha256:".length) ?? "";
    const moving = scene.proxy.exchanges.filter(({ method }) => ["GET", "PUT", "PATCH"].includes(method));
    expect(moving.filter(({ path, query }) => `${path}?${query}`.includes(hex))).toEqual([]);
  });

  test("--record none leaves the record out, and what builders are called then changes nothing", async () => {
    const renamed = await scene.add("renamed", scene.builder);
    const [one, other] = [
      await compose({ record: "none" }),
      await compose({ record: "none", builder: renamed }),
    ];
    expect(Object.keys(one.manifest.annotations ?? {}).sort()).toEqual([
      "org.opencontainers.image.base.digest",
      "org.opencontainers.image.base.name",
    ]);
    expect(other.digest).toBe(one.digest);
  });

  test("--format docker makes a docker manifest that keeps the record in labels, and blobs as they are", async () => {
    const { manifest, config, mediaType } = await compose({ format: "docker" });
    expect(mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    expect(manifest.config.mediaType).toBe("application/vnd.docker.container.image.v1+json");
    expect(manifest.layers.map((layer) => layer.mediaType)).toEqual(
      Array(2).fill("application/vnd.docker.image.rootfs.diff.tar.gzip"),
    );
    expect(manifest.layers[0]?.digest).toBe(scene.base.layers[0]?.descriptor.digest);
    expect(manifest).not.toHaveProperty("annotations");
    expect(config.config.Labels).toMatchObject({
      vendor: "base",
      "org.opencontainers.image.base.name": scene.names.base,
    });
  });

  test("the format is a docker base's own, and --format oci turns it", async () => {
    const base = await scene.add(
      "docker-base",
      makeImage({ family: "docker", layers: [{ files: [{ path: "etc/" }] }] }),
    );
    expect((await compose({ base })).mediaType).toContain(".docker.");
    const { mediaType, manifest } = await compose({ base, format: "oci" });
    expect(
      [mediaType, manifest.config.mediaType, ...manifest.layers.map((layer) => layer.mediaType)].join(),
    ).not.toContain("docker");
  });

  test("--platform and --builder-platform choose from indexes", async () => {
    const image = (architecture: string, path: string) =>
      makeImage({
        architecture,
        layers: [{ files: [{ path: `${path}/` }, { path: `${path}/${architecture}` }] }],
      });
    const of = (path: string) =>
      makeIndex(["amd64", "arm64"].map((architecture) => image(architecture, path)));
    const base = await scene.add("base-index", of("etc"));
    const builder = await scene.add("builder-index", of("app"));
    const arm = await compose({ builder, base, platform: "linux/arm64" });
    expect(arm.config.architecture).toBe("arm64");
    expect(arm.manifest.layers[0]?.digest).toBe(image("arm64", "etc").layers[0]?.descriptor.digest);
    expect([...arm.top.entries.keys()]).toEqual(["app", "app/arm64"]);
    const mixed = await compose({
      builder,
      base,
      platform: "linux/arm64",
      "builder-platform": "linux/amd64",
    });
    expect(mixed.config.architecture).toBe("arm64");
    expect([...mixed.top.entries.keys()]).toEqual(["app", "app/amd64"]);
  });

  test("--source-date-epoch clamps times and dates the image, as SOURCE_DATE_EPOCH does", async () => {
    const seconds = 999_999_999;
    const image = await compose({ "source-date-epoch": String(seconds) });
    const created = "2001-09-09T01:46:39Z";
    expect(image.config.created).toBe(created);
    expect(image.config.history.at(-1)).toMatchObject({ created });
    for (const { header } of image.top.entries.values())
      expect(header.mtime).toEqual(new Date(seconds * 1000));
    const byVariable = await compose({}, { env: { SOURCE_DATE_EPOCH: String(seconds) } });
    expect(byVariable.digest).toBe(image.digest);
    const optionWins = await compose(
      { "source-date-epoch": String(seconds) },
      { env: { SOURCE_DATE_EPOCH: "5" } },
    );
    expect(optionWins.digest).toBe(image.digest);
  });

  test("--compression says how the new layer is packed, and nothing else of it", async () => {
    const usual = await compose();
    const none = await compose({ compression: "none" });
    const fast = await compose({ compression: "gzip:1" });
    expect(none.top.mediaType).toBe("application/vnd.oci.image.layer.v1.tar");
    expect(none.top.bytes.subarray(257, 262).toString()).toBe("ustar");
    expect(fast.top.mediaType).toBe("application/vnd.oci.image.layer.v1.tar+gzip");
    expect(fast.top.digest).not.toBe(usual.top.digest);
    expect([none, fast].map(({ config }) => config.rootfs)).toEqual([
      usual.config.rootfs,
      usual.config.rootfs,
    ]);
  });

  test("--tag of an archive beside a registry: the base's layers are downloaded once for both", async () => {
    const archive = join(await temporaryDirectory("archive"), "app.tar");
    scene.proxy.forget();
    const { stdout } = await succeed({
      base: `${scene.proxy.host}/scene/base:1`,
      tag: [`oci-archive:${archive}:1`, `${scene.registry.host}/scene/beside:1`],
      "cache-dir": await temporaryDirectory("no-cache"),
    });
    const downloads = scene.proxy.exchanges.filter(
      ({ method, path }) => method === "GET" && path.endsWith(scene.base.layers[0]?.descriptor.digest ?? "-"),
    );
    expect(downloads).toHaveLength(1);
    const { digest } = await readImage(`${scene.registry.host}/scene/beside:1`);
    expect(stdout).toBe(`oci-archive:${archive}@${digest}\n${scene.registry.host}/scene/beside@${digest}\n`);
  });

  test("--dry-run reads no layer, pushes nothing and says what would be moved", async () => {
    scene.proxy.forget();
    const { stdout, stderr } = await succeed({
      builder: scene.names.builderByProxy,
      base: `${scene.proxy.host}/scene/base:1`,
      tag: `${scene.proxy.host}/scene/dry:1`,
      "dry-run": true,
    });
    expect(stdout).toBe("");
    expect(stderr).toContain(`would read  262.6 kB in 1 layer of builder ${scene.names.builderByProxy}\n`);
    expect(stderr).toContain(`would push  to ${scene.proxy.host}/scene/dry: the new layer;`);
    const layers = [scene.builder, scene.base].flatMap(({ layers }) =>
      layers.map(({ descriptor }) => descriptor.digest),
    );
    const isLayer = (path: string): boolean => layers.some((digest) => path.endsWith(digest));
    expect(
      scene.proxy.exchanges.filter(
        ({ method, path }) => method !== "HEAD" && (method !== "GET" || isLayer(path)),
      ),
    ).toEqual([]);
    expect(await tagsOf(scene.registry.url, "scene/dry")).toEqual([]);
  });

  test("--dry-run=full pushes nothing and says the very digest that the real run then pushes", async () => {
    const tag = `${scene.proxy.host}/scene/full:1`;
    const digestFile = join(await temporaryDirectory("digest"), "digest");
    scene.proxy.forget();
    const dry = await runCli([...scene.arguments({ tag, "digest-file": digestFile }), "--dry-run=full"]);
    expect(dry, dry.stderr).toMatchObject({ status: 0 });
    expect(scene.proxy.exchanges.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
    expect(await tagsOf(scene.registry.url, "scene/full")).toEqual([]);
    await succeed({ tag });
    const { digest } = await readImage(tag);
    expect(dry.stdout).toBe(`${digest}\n`);
    expect(await readFile(digestFile, "utf8")).toBe(`${digest}\n`);
  });

  test("--memory-limit and --jobs change nothing about the image", async () => {
    const usual = await compose({ builder: large });
    const changes = [{ "memory-limit": "0" }, { "memory-limit": "1M", jobs: "1" }, { jobs: "16" }];
    for (const change of changes) {
      expect((await compose({ builder: large, ...change })).digest).toBe(usual.digest);
    }
  });

  test("--memory-limit decides whether TMPDIR is needed", async () => {
    const env = { TMPDIR: "/nowhere" };
    await compose({ builder: large, "memory-limit": "16M" }, { env });
    const result = await runCli(scene.arguments({ builder: large, "memory-limit": "1M" }), { env });
    await expectRefusal(result, {
      status: 8,
      code: "LOCAL_IO",
      message: ["/nowhere", "no such file or directory"],
      hint: "TMPDIR",
    });
  });

  test("--digest-file and --metadata-file hold what was pushed, under BuildKit's keys", async () => {
    const home = await temporaryDirectory("files");
    const [digestFile, metadataFile] = [join(home, "digest"), join(home, "metadata.json")];
    const name = `${scene.registry.host}/scene/files`;
    await succeed({
      tag: [`${name}:1`, `${name}:2`],
      "digest-file": digestFile,
      "metadata-file": metadataFile,
    });
    const { digest, manifest } = await readImage(`${name}:1`);
    expect(await readFile(digestFile, "utf8")).toBe(`${digest}\n`);
    expect(JSON.parse(await readFile(metadataFile, "utf8"))).toEqual({
      "containerimage.config.digest": manifest.config.digest,
      "containerimage.descriptor": {
        mediaType: manifest.mediaType,
        digest,
        size: expect.any(Number),
        platform: { architecture: "amd64", os: "linux" },
      },
      "containerimage.digest": digest,
      "image.name": `${name}:1,${name}:2`,
    });
  });

  test("--json prints one document in place of the lines", async () => {
    const tag = `${scene.registry.host}/scene/json:1`;
    const { stdout } = await succeed({ tag, json: true });
    const { digest, manifest, top } = await readImage(tag);
    expect(JSON.parse(stdout)).toMatchObject({
      platform: "linux/amd64",
      digest,
      config: manifest.config,
      layer: { ...manifest.layers.at(-1), entries: top.entries.size },
      pushed: [{ name: `${scene.registry.host}/scene/json`, digest, tags: ["1"] }],
      figures: { uploadedBytes: expect.any(Number), elapsedMs: expect.any(Number) },
    });
  });

  test("--quiet writes nothing to standard error, --verbose every request", async () => {
    const tag = `${scene.registry.host}/scene/output:1`;
    const quiet = await succeed({ tag, quiet: true });
    expect(quiet.stderr).toBe("");
    expect(quiet.stdout).toMatch(/^\S+@sha256:[0-9a-f]{64}\n$/);
    const verbose = await succeed({ tag, verbose: true });
    expect(verbose.stderr).toMatch(/^GET http:\S+\/v2\/scene\/builder\/manifests\/1 200 \d+ ms$/m);
    expect(verbose.stderr).toMatch(/^PUT http:\S+\/v2\/scene\/output\/manifests\/1 201 \d+ ms$/m);
    expect(verbose.stdout).toBe(quiet.stdout);
  });

  test("--verbose adds the causes to the one message of a failure", async () => {
    const { status, stderr } = await runCli(
      scene.arguments({ builder: "127.0.0.1:1/a:1", retries: "0", verbose: true }),
    );
    expect(status).toBe(5);
    expect(stderr.match(/^compose-image: /gm)).toHaveLength(1);
    expect(stderr).toMatch(/\n {2}hint: .*\n {2}cause: .*ECONNREFUSED.*\n$/);
  });

  test("several --tag in one and in two registries: every tag, one line for each repository, in the order given", async () => {
    const other = await startEmbeddedRegistry();
    try {
      const [a, b, c] = [
        `${other.host}/team/app`,
        `${scene.registry.host}/scene/tags`,
        `${other.host}/team/copy`,
      ];
      const { stdout } = await succeed({ tag: [`${a}:1`, `${b}:1`, `${a}:latest`, c], env: "A=1" });
      const { digest } = await readImage(`${b}:1`);
      expect(stdout).toBe(`${a}@${digest}\n${b}@${digest}\n${c}@${digest}\n`);
      for (const name of [`${a}:1`, `${a}:latest`, `${c}:latest`]) {
        expect((await readImage(name)).digest, name).toBe(digest);
      }
      expect(await tagsOf(other.url, "team/app")).toEqual(["1", "latest"]);
    } finally {
      await other.stop();
    }
  });

  test("--base scratch gives an image of one layer for the builder's platform", async () => {
    const builder = await scene.add(
      "s390x",
      makeImage({ architecture: "s390x", layers: [{ files: [{ path: "app/" }, { path: "app/a" }] }] }),
    );
    const { manifest, config } = await compose({ builder, base: "scratch" });
    expect(manifest.layers).toHaveLength(1);
    expect(config).toMatchObject({ architecture: "s390x", os: "linux" });
    expect(config.rootfs.diff_ids).toHaveLength(1);
    expect(manifest.annotations).not.toHaveProperty(["org.opencontainers.image.base.digest"]);
  });

  describeWith(["skopeo", "umoci", "root"], "layouts", () => {
    test("oci:DIR is builder, base and target, and skopeo and umoci read what is made", async () => {
      const home = await temporaryDirectory("layouts");
      const inputs = join(home, "inputs");
      await saveMade(scene.builder, inputs, "builder");
      await saveMade(scene.base, inputs, "base");
      const sole = join(home, "sole");
      await saveMade(scene.builder, sole, "whatever");
      const output = join(home, "output");
      const { stdout } = await succeed({
        builder: `oci:${sole}`,
        base: `oci:${inputs}:base`,
        tag: [`oci:${output}:v1`, `oci:${output}`],
        record: "none",
      });
      const { Digest: digest } = await skopeoInspect(`oci:${output}:v1`);
      expect(stdout).toBe(`oci:${output}@${digest}\n`);
      expect((await skopeoInspect(`oci:${output}:latest`)).Digest).toBe(digest);
      expect((await run("umoci", ["ls", "--layout", output])).toString().split("\n").sort()).toEqual([
        "",
        "latest",
        "v1",
      ]);
      const root = await unpack(`oci:${output}:v1`);
      expect(await readFile(join(root, "app/server.js"), "utf8")).toBe("console.log(1);\n");
      expect(existsSync(join(root, "etc/passwd"))).toBe(true);
      const manifest = JSON.parse((await run("skopeo", ["inspect", "--raw", `oci:${output}:v1`])).toString());
      expect(JSON.stringify(manifest)).not.toContain(home);

      const fromRegistry = await compose({ record: "none" });
      expect(manifest.layers).toEqual(fromRegistry.manifest.layers);
      expect(manifest.config).toEqual(fromRegistry.manifest.config);
    });
  });
});

describeWith(["cli", "docker-registry"], "--authfile", () => {
  let registry: Registry;

  beforeAll(async () => {
    registry = await startDockerRegistry({ authenticated: true });
  });
  afterAll(() => registry.stop());

  test("gives credentials to pull and push with, before REGISTRY_AUTH_FILE, which does as well", async () => {
    const home = await temporaryDirectory("auth");
    const auth = Buffer.from(`${registryAccount.username}:${registryAccount.password}`).toString("base64");
    const [right, wrong] = [join(home, "right.json"), join(home, "wrong.json")];
    await writeFile(right, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    await writeFile(wrong, JSON.stringify({ auths: { [registry.host]: { username: "x", password: "y" } } }));
    const image = makeImage({ layers: [{ files: [{ path: "app/" }, { path: "app/a" }] }] });
    const authorization = `Basic ${auth}`;
    const builder = await pushMade(image, registry.url, "team/builder:1", { authorization });
    const name = `${registry.host}/team/app`;
    const args = ["--builder", builder, "--base", "scratch", "--directory", "/app", "--tag", `${name}:1`];
    const byOption = await runCli([...args, "--authfile", right], { env: { REGISTRY_AUTH_FILE: wrong } });
    const byVariable = await runCli(args, { env: { REGISTRY_AUTH_FILE: right } });
    for (const { status, stdout, stderr } of [byOption, byVariable]) {
      expect(status, stderr).toBe(0);
      expect(stdout).toMatch(new RegExp(`^${name}@sha256:`));
    }
    expect((await runCli(args)).status).toBe(3);
  });
});

describeWith(["cli", "docker-registry", "openssl"], "registries behind TLS", () => {
  let scene: ComposeScene;
  let front: TlsFront;
  let demanding: TlsFront;
  let files: Awaited<ReturnType<typeof makeCertificates>>;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
    files = await makeCertificates();
    front = await startTlsFront(scene.registry.url, files, false);
    demanding = await startTlsFront(scene.registry.url, files, true);
  });
  afterAll(async () => {
    await front.stop();
    await demanding.stop();
    await scene.stop();
  });

  const through = ({ host }: TlsFront): ComposeArguments => ({
    builder: `${host}/scene/builder:1`,
    base: `${host}/scene/base:1`,
    tag: `${host}/scene/app:tls`,
    retries: "0",
  });

  test("--ca-file makes an authority trusted that the system does not know", async () => {
    const result = await runCli(scene.arguments({ ...through(front), "ca-file": files.ca }));
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toMatch(new RegExp(`^${front.host}/scene/app@sha256:`));
  });

  test("--insecure takes any certificate, of that host alone", async () => {
    const insecure = await runCli(scene.arguments({ ...through(front), insecure: front.host }));
    expect(insecure.status, insecure.stderr).toBe(0);
    const other = await runCli(scene.arguments({ ...through(front), insecure: "registry.example" }));
    expect(other.status).toBe(5);
  });

  test("without either it ends with 5 and points to both", async () => {
    const result = await runCli(scene.arguments(through(front)));
    await expectRefusal(result, {
      status: 5,
      code: "TLS",
      message: [`base ${front.host}/scene/base`, "certificate"],
      hint: /--ca-file.*--insecure/,
    });
  });

  test("--cert and --key show the client's certificate", async () => {
    const trust = { ...through(demanding), "ca-file": files.ca };
    const result = await runCli(scene.arguments({ ...trust, cert: files.clientCert, key: files.clientKey }));
    expect(result.status, result.stderr).toBe(0);
    expect(new Set(demanding.clients)).toEqual(new Set(["test client"]));
    const anonymous = await runCli(scene.arguments(trust));
    await expectRefusal(anonymous, {
      status: 5,
      code: "TLS",
      message: [`base ${demanding.host}/scene/base: ${demanding.host}: ssl/tls alert handshake failure [`],
      hint: "client certificate",
    });
  });

  test("a TLS file that cannot be read ends with 2 and names it", async () => {
    const result = await runCli(scene.arguments({ ...through(front), "ca-file": "/nowhere/ca.pem" }));
    await expectRefusal(result, { status: 2, code: "USAGE", message: ["/nowhere/ca.pem"], hint: /./ });
  });
});
