import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attempt } from "../support/command.ts";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { expectMessage, expectRefusal } from "../support/refusal.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, runCli } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { type Certificates, makeCertificates, startTlsFront, type TlsFront } from "../support/tls-front.ts";
import { describeWith } from "../support/tools.ts";

/** Nobody listens there. */
const down = "127.0.0.1:1";

describeWith(["cli", "docker-registry", "openssl"], "registries.conf", () => {
  /** The embedded registry has the builder and the base; they are asked for as `upstream.example/scene/…`. */
  let scene: ComposeScene;
  /** docker-registry has them as well, below `hub/`. */
  let mirror: Registry;
  let mirrorProxy: RecordingProxy;
  let certificates: Certificates;
  let tlsMirror: TlsFront;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    mirror = await startDockerRegistry();
    await pushMade(scene.builder, mirror.url, "hub/scene/builder:1");
    await pushMade(scene.base, mirror.url, "hub/scene/base:1");
    mirrorProxy = await startRecordingProxy(mirror.url);
    certificates = await makeCertificates();
    tlsMirror = await startTlsFront(mirror.url, certificates, false);
  });
  afterAll(async () => {
    for (const started of [tlsMirror, mirrorProxy, mirror, scene]) await started.stop();
  });

  /** `[[registry]]` for `upstream.example`, read from the scene's registry unless said otherwise. */
  const rule = (mirrors: readonly string[], lines: readonly string[] = []): string =>
    [
      "[[registry]]",
      'prefix = "upstream.example"',
      ...(lines.some((line) => line.startsWith("location")) ? [] : [`location = "${scene.registry.host}"`]),
      ...lines,
      ...mirrors.map((place) => `[[registry.mirror]]\nlocation = "${place}"`),
    ].join("\n");

  async function written(conf: string): Promise<string> {
    const file = join(await temporaryDirectory("registries-conf"), "registries.conf");
    await writeFile(file, conf);
    return file;
  }

  const upstream: ComposeArguments = {
    builder: "upstream.example/scene/builder:1",
    base: "upstream.example/scene/base:1",
  };

  async function run(conf: string, changes: ComposeArguments = {}, options: CliOptions = {}) {
    const file = await written(conf);
    const tag = `${scene.registry.host}/scene/made:1`;
    const args = scene.arguments({ ...upstream, tag, "registries-conf": file, verbose: true, ...changes });
    mirrorProxy.forget();
    scene.proxy.forget();
    return { file, ...(await runCli(args, options)) };
  }

  describe("a mirror", () => {
    test("is what images are read from, and the result names them as they were asked for", async () => {
      const result = await run(rule([`${mirrorProxy.host}/hub`], [`location = "${down}"`]));
      expect(result, result.stderr).toMatchObject({ status: 0 });
      const paths = mirrorProxy.exchanges.map(({ method, path }) => `${method} ${path}`);
      expect(paths).toContain("GET /v2/hub/scene/base/manifests/1");
      expect(paths).toContain(`GET /v2/hub/scene/builder/blobs/${scene.builderLayer}`);
      expect(paths.filter((path) => !/^(GET|HEAD) /.test(path))).toEqual([]);
      const image = await readImage(`${scene.registry.host}/scene/made:1`);
      expect(image.manifest.annotations).toMatchObject({
        "org.opencontainers.image.base.name": "upstream.example/scene/base:1",
      });
    });

    test("is read from by the user's own file, by CONTAINERS_REGISTRIES_CONF, and by a drop-in", async () => {
      const conf = rule([`${mirrorProxy.host}/hub`], [`location = "${down}"`]);
      const home = await temporaryDirectory("home");
      const containers = join(home, ".config/containers");
      await mkdir(join(containers, "registries.conf.d"), { recursive: true });
      await writeFile(join(containers, "registries.conf"), conf);
      const plain = { "registries-conf": undefined };
      expect((await run("", plain, { env: { HOME: home } })).status).toBe(0);
      await writeFile(join(containers, "registries.conf"), rule([], [`location = "${down}"`]));
      await writeFile(join(containers, "registries.conf.d/mirror.conf"), conf);
      expect((await run("", plain, { env: { HOME: home } })).status).toBe(0);
      const env = { CONTAINERS_REGISTRIES_CONF: await written(conf) };
      expect((await run("", plain, { env })).status).toBe(0);
    });

    test("that is down is passed over for the next, and --verbose says so", async () => {
      const result = await run(rule([`${down}/hub`, `${mirrorProxy.host}/absent`]));
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.stderr).toMatch(
        /^passed over 127\.0\.0\.1:1\/hub\/scene\/base for upstream\.example\/scene\/base: .*connection refused$/m,
      );
      expect(result.stderr).toMatch(/^passed over .*\/absent\/scene\/base for .* answered 404/m);
    });

    test("without --verbose nothing is said of it but that it is tried again", async () => {
      const result = await run(rule([`${down}/hub`]), { verbose: undefined, retries: "0" });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.stderr).not.toContain(down);
    });

    test("in the registry that is pushed to has its blobs mounted", async () => {
      const tag = `${mirrorProxy.host}/team/made:1`;
      const result = await run(rule([`${mirrorProxy.host}/hub`]), { tag });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      const mounts = mirrorProxy.exchanges.filter(({ query }) => query.has("mount"));
      expect(mounts.map(({ query, status }) => [query.get("from"), status])).toContainEqual([
        "hub/scene/base",
        201,
      ]);
    });

    test("is trusted without TLS that can be verified only where it says insecure", async () => {
      const place = tlsMirror.host;
      const conf = rule([`${place}/hub`], [`location = "${down}"`]);
      const insecure = await run(`${conf}\ninsecure = true`);
      expect(insecure, insecure.stderr).toMatchObject({ status: 0 });
      expect(tlsMirror.clients).not.toEqual([]);
      const verified = await run(conf, { "ca-file": certificates.ca });
      expect(verified, verified.stderr).toMatchObject({ status: 0 });
      const refused = await run(conf, { retries: "0", verbose: undefined });
      await expectRefusal(refused, {
        status: 5,
        code: "NETWORK",
        message: [
          "base upstream.example/scene/base:1: none of the 2 places that",
          `${place}/hub/scene/base: ${place}: `,
          "certificate",
          `${down}: connection refused`,
        ],
        hint: /./,
      });
    });
  });

  describe("a mirror for digests only", () => {
    const conf = () => rule([`${mirrorProxy.host}/hub`], ["mirror-by-digest-only = true"]);

    test("is not asked for tags", async () => {
      const result = await run(conf());
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(mirrorProxy.exchanges).toEqual([]);
    });

    test("is asked for digests", async () => {
      const { digest } = scene.builder.top.descriptor;
      const result = await run(conf(), { builder: `upstream.example/scene/builder@${digest}` });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      const paths = mirrorProxy.exchanges.map(({ path }) => path);
      expect(paths).toContain(`/v2/hub/scene/builder/manifests/${digest}`);
      expect(paths.filter((path) => path.includes("/base/"))).toEqual([]);
    });
  });

  test("a location is read from in place of what the name says, and errors name both", async () => {
    const conf = rule([], [`location = "${mirrorProxy.host}/hub"`]);
    const result = await run(conf);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const absent = await run(conf, { base: "upstream.example/scene/absent:1", verbose: undefined });
    await expectRefusal(absent, {
      status: 4,
      code: "MANIFEST_NOT_FOUND",
      message: [
        `base ${mirrorProxy.host}/hub/scene/absent:1: ${mirrorProxy.host} answered 404`,
        `(asked for upstream.example/scene/absent:1, by ${absent.file})`,
      ],
      hint: /./,
    });
  });

  describe("a blocked registry", () => {
    test("is not read from, and the file that says so is named", async () => {
      const result = await run(rule([], ["blocked = true"]), { verbose: undefined });
      await expectRefusal(result, {
        status: 2,
        code: "USAGE",
        message: [`base upstream.example/scene/base:1 is blocked by ${result.file} ("upstream.example")`],
        hint: "blocked = true",
      });
    });

    test("is not pushed to", async () => {
      const conf = `[[registry]]\nlocation = "${scene.registry.host}/scene/app"\nblocked = true`;
      const result = await run(conf, {
        builder: scene.names.builder,
        base: scene.names.base,
        tag: scene.names.target,
        verbose: undefined,
      });
      await expectRefusal(result, {
        status: 2,
        code: "USAGE",
        message: [`target ${scene.registry.host}/scene/app is blocked by ${result.file}`],
        hint: "blocked = true",
      });
      expect((await readImage(scene.names.target)).digest).toBe(scene.base.top.descriptor.digest);
    });

    test("is read from its mirrors", async () => {
      const result = await run(rule([`${mirrorProxy.host}/hub`], ["blocked = true"]));
      expect(result, result.stderr).toMatchObject({ status: 0 });
    });
  });

  test("a mirror whose blob is damaged does not get into the image", async () => {
    const image = makeImage({ layers: [{ files: [{ path: "app/" }, { path: "app/a", content: "a" }] }] });
    await pushMade(image, mirror.url, "hub/scene/lying:1");
    const digest = image.layers[0]?.descriptor.digest ?? "";
    mirrorProxy.fault = ({ path }) =>
      path.endsWith(digest)
        ? { kind: "answer", status: 200, body: "x".repeat(image.layers[0]?.descriptor.size ?? 0) }
        : undefined;
    try {
      const result = await run(rule([`${mirrorProxy.host}/hub`]), {
        builder: "upstream.example/scene/lying:1",
        verbose: undefined,
      });
      expectMessage(result, {
        status: 6,
        code: "DIGEST_MISMATCH",
        message: [`${mirrorProxy.host}/hub/scene/lying`, "asked for upstream.example/scene/lying:1"],
        hint: /./,
      });
    } finally {
      mirrorProxy.fault = undefined;
    }
  });

  describeWith(["skopeo"], "skopeo", () => {
    test.each([
      ["another location", () => rule([]), true],
      ["a mirror", () => rule([`${mirror.host}/hub`], [`location = "${down}"`]), true],
      ["a mirror of what is blocked", () => rule([`${mirror.host}/hub`], ["blocked = true"]), true],
      ["what is blocked", () => rule([], [`location = "${down}"`, "blocked = true"]), false],
      [
        "a mirror for digests only",
        () => rule([`${mirror.host}/hub`], [`location = "${down}"`, "mirror-by-digest-only = true"]),
        false,
      ],
    ])("reads, or does not, by the same file: %s", async (_, conf, found) => {
      const home = await temporaryDirectory("skopeo-home");
      await mkdir(join(home, ".config/containers"), { recursive: true });
      const insecure = conf().replaceAll(/^(location = .*)$/gm, "$1\ninsecure = true");
      await writeFile(join(home, ".config/containers/registries.conf"), insecure);
      const image = "upstream.example/scene/base:1";
      const env = { HOME: home };
      const theirs = await attempt("skopeo", ["inspect", "--raw", `docker://${image}`], {
        env: { ...env, PATH: process.env.PATH },
      });
      const ours = await runCli(["ls", image, "/", "--retries", "0"], { env });
      expect({ ours: ours.status === 0, theirs: theirs.status === 0 }, theirs.stderr).toEqual({
        ours: found,
        theirs: found,
      });
    });
  });

  test.each([
    ["is no TOML", "[[registry]]\nlocation =", /registries\.conf:2:11: /],
    ["has a rule without a place", "[[registry]]\ninsecure = true", "neither prefix nor location"],
  ])("a file that %s is told so", async (_, conf, fault) => {
    const result = await run(conf, { verbose: undefined });
    await expectRefusal(result, {
      status: 2,
      code: "USAGE",
      message: [result.file, fault],
      hint: "containers-registries.conf(5)",
    });
  });
});

describeWith(["cli", "docker-registry", "openssl", "bwrap", "skopeo"], "the system's /etc/containers", () => {
  test("has mirrors and their authorities for a user nobody knows, who has no home", async () => {
    const registry = await startDockerRegistry();
    const certificates = await makeCertificates();
    const front = await startTlsFront(registry.url, certificates, false);
    try {
      const image = makeImage({ layers: [{ files: [{ path: "app/" }, { path: "app/a", content: "a" }] }] });
      await pushMade(image, registry.url, "hub/app:1");
      const system = await temporaryDirectory("etc-containers");
      await chmod(system, 0o755);
      const certs = join(system, "certs.d", front.host);
      await mkdir(certs, { recursive: true });
      await copyFile(certificates.ca, join(certs, "ca.crt"));
      await mkdir(join(system, "registries.conf.d"));
      await writeFile(
        join(system, "registries.conf.d/mirror.conf"),
        `[[registry]]\nprefix = "upstream.example"\nlocation = "${front.host}/hub"\n`,
      );
      const sandbox = await createSandbox("nothing", { "/etc/containers": system });
      const result = await sandbox.compose(["cat", "upstream.example/app:1", "/app/a"]);
      expect(result, result.stderr).toMatchObject({ status: 0, stdout: "a" });
    } finally {
      await front.stop();
      await registry.stop();
    }
  });
});
