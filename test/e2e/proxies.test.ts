import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { expectRefusal } from "../support/refusal.ts";
import { runCli } from "../support/run-cli.ts";
import { secret } from "../support/secrets.ts";
import { startTinyproxy, type Tinyproxy } from "../support/tinyproxy.ts";
import { type Certificates, makeCertificates, startTlsFront, type TlsFront } from "../support/tls-front.ts";
import { describeWith } from "../support/tools.ts";

// Loopback addresses are never asked for through a proxy. 0.0.0.0 is none of them, and leads there all the same.
describeWith(["cli", "docker-registry", "openssl", "tinyproxy"], "behind tinyproxy", () => {
  const wrong = secret("hunter2-");
  const account = { user: "me", password: secret("open-sesame") } as const;
  let scene: ComposeScene;
  let files: Certificates;
  let front: TlsFront;
  let proxy: Tinyproxy;
  let guarded: Tinyproxy;
  let strict: Tinyproxy;
  /** Host and port of the registry with TLS and of the one without. */
  let secure: string;
  let plain: string;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
    files = await makeCertificates();
    front = await startTlsFront(scene.registry.url, files, false);
    proxy = await startTinyproxy();
    guarded = await startTinyproxy([`BasicAuth ${account.user} ${account.password}`]);
    strict = await startTinyproxy(["ConnectPort 443"]);
    secure = front.host.replace("127.0.0.1", "0.0.0.0");
    plain = scene.registry.host.replace("127.0.0.1", "0.0.0.0");
  });
  afterAll(async () => {
    for (const started of [proxy, guarded, strict, front, scene]) await started.stop();
  });

  const at = (host: string): ComposeArguments => ({
    builder: `${host}/scene/builder:1`,
    base: `${host}/scene/base:1`,
    tag: `${host}/scene/made:1`,
    "ca-file": files.ca,
    retries: "0",
  });
  const url = ({ host }: Tinyproxy, user = ""): string => `http://${user}${host}`;

  describe("a registry with TLS", () => {
    test("is reached through the tunnel that HTTPS_PROXY opens", async () => {
      const before = proxy.requests().length;
      const result = await runCli(scene.arguments(at(secure)), { env: { HTTPS_PROXY: url(proxy) } });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      const asked = proxy.requests().slice(before);
      expect(new Set(asked)).toEqual(new Set([`CONNECT ${secure} HTTP/1.1`]));
    });

    test.each([
      ["its address", "0.0.0.0"],
      ["a range it is in", "registry.example,0.0.0.0/8"],
      ["everything", "*"],
    ])("is reached directly when NO_PROXY names %s", async (_, NO_PROXY) => {
      const before = proxy.requests().length;
      const env = { HTTPS_PROXY: url(proxy), HTTP_PROXY: url(proxy), NO_PROXY };
      const result = await runCli(scene.arguments(at(secure)), { env });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(proxy.requests()).toHaveLength(before);
    });

    test("is reached through the proxy when NO_PROXY names another port of it", async () => {
      const before = proxy.requests().length;
      const env = { https_proxy: url(proxy), no_proxy: "0.0.0.0:1" };
      const result = await runCli(scene.arguments(at(secure)), { env });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(proxy.requests().length).toBeGreaterThan(before);
    });

    test("on loopback is reached directly, whatever the variables say", async () => {
      const env = { HTTPS_PROXY: "http://127.0.0.1:1", HTTP_PROXY: "http://127.0.0.1:1" };
      const result = await runCli(scene.arguments(at(front.host)), { env });
      expect(result, result.stderr).toMatchObject({ status: 0 });
    });
  });

  test("a registry without TLS is asked for by whole URLs, once it was named insecure", async () => {
    const before = proxy.requests().length;
    const env = { HTTPS_PROXY: url(proxy), HTTP_PROXY: url(proxy) };
    const result = await runCli(scene.arguments({ ...at(plain), insecure: plain }), { env });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const asked = proxy.requests().slice(before);
    expect(asked).toContain(`PUT http://${plain}/v2/scene/made/manifests/1 HTTP/1.1`);
  });

  describe("that wants credentials", () => {
    test("they are taken from the URL", async () => {
      const user = `${account.user}:${encodeURIComponent(account.password)}@`;
      const result = await runCli(scene.arguments({ ...at(secure), verbose: true }), {
        env: { HTTPS_PROXY: url(guarded, user) },
      });
      expect(result, result.stderr).toMatchObject({ status: 0 });
    });

    test.each([
      ["missing", ""],
      ["wrong", `me:${wrong}@`],
    ])("it is told when they are %s, without showing them", async (_, user) => {
      const env = { HTTPS_PROXY: url(guarded, user) };
      await expectRefusal(await runCli(scene.arguments(at(secure)), { env }), {
        status: 5,
        code: "NETWORK",
        message: [
          `base ${secure}/scene/base: ${secure} through the proxy ${guarded.host}: `,
          /wants credentials \(it answered 40[17]\)/,
        ],
        hint: "http://user:password@host:port",
        secrets: [wrong],
      });
    });
  });

  test("a proxy that wants credentials for plain HTTP is told from a registry that does", async () => {
    const env = { HTTP_PROXY: url(guarded) };
    await expectRefusal(await runCli(scene.arguments({ ...at(plain), insecure: plain }), { env }), {
      status: 5,
      code: "NETWORK",
      message: [`${plain} through the proxy ${guarded.host}: the proxy wants credentials`],
      hint: "http://user:password@host:port",
    });
  });

  test("a proxy whose rules do not allow the port is told so", async () => {
    const env = { HTTPS_PROXY: url(strict) };
    await expectRefusal(await runCli(scene.arguments(at(secure)), { env }), {
      status: 5,
      code: "NETWORK",
      message: [`${secure} through the proxy ${strict.host}: the proxy refuses (it answered 403)`],
      hint: "NO_PROXY",
    });
  });

  test("a proxy that is not there is told from a registry that is not", async () => {
    const env = { HTTPS_PROXY: "http://127.0.0.1:1" };
    await expectRefusal(await runCli(scene.arguments(at(secure)), { env }), {
      status: 5,
      code: "NETWORK",
      message: [`base ${secure}/scene/base: ${secure} through the proxy 127.0.0.1:1: connection refused`],
      hint: /proxy/,
    });
  });

  test("a proxy variable that is no URL is told without its value", async () => {
    const env = { HTTPS_PROXY: `ftp://me:${wrong}@proxy.example` };
    await expectRefusal(await runCli(scene.arguments(at(secure)), { env }), {
      status: 2,
      code: "USAGE",
      message: ["HTTPS_PROXY"],
      hint: "http://host:port",
      secrets: [wrong],
    });
  });
});
