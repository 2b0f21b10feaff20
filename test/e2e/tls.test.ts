import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage } from "../support/make-image.ts";
import { type Nginx, startNginx } from "../support/nginx.ts";
import { expectMessage, expectRefusal } from "../support/refusal.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { type Certificates, makeCertificates } from "../support/tls-front.ts";
import { describeWith } from "../support/tools.ts";

/** Options that read and write everything at a host. */
const at = (host: string): ComposeArguments => ({
  builder: `${host}/scene/builder:1`,
  base: `${host}/scene/base:1`,
  tag: `${host}/scene/made:tls`,
  retries: "0",
});

/** Puts files into a directory of `certs.d` in a new home, which is given. */
async function homeWithCerts(host: string, files: Readonly<Record<string, string>>): Promise<string> {
  const home = await temporaryDirectory("certs-home");
  await fill(join(home, ".config/containers/certs.d", host), files);
  return home;
}

async function fill(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(directory, { recursive: true });
  for (const [name, file] of Object.entries(files)) await copyFile(file, join(directory, name));
  return directory;
}

describeWith(["cli", "docker-registry", "openssl"], "docker-registry with TLS by a private authority", () => {
  let scene: ComposeScene;
  let files: Certificates;
  let registry: Registry;
  let authfile: string;
  let options: ComposeArguments;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
    files = await makeCertificates();
    const { directory } = scene.registry;
    registry = await startDockerRegistry({ tls: files, authenticated: true, directory });
    authfile = join(await temporaryDirectory("tls-auth"), "auth.json");
    await writeFile(authfile, JSON.stringify({ auths: { [registry.host]: registryAccount } }));
    options = { ...at(registry.host), authfile };
  });
  afterAll(async () => {
    await registry.stop();
    await scene.stop();
  });

  /** Composes from it and to it. */
  async function succeed(changes: ComposeArguments, env: Readonly<Record<string, string>> = {}) {
    const result = await runCli(scene.arguments({ ...options, ...changes }), { env });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout).toMatch(new RegExp(`^${registry.host}/scene/made@sha256:`));
  }

  test("--ca-file makes it trusted", () => succeed({ "ca-file": files.ca }));

  test("so does a --cert-dir with *.crt", async () =>
    succeed({ "cert-dir": await fill(await temporaryDirectory("certs"), { "ca.crt": files.ca }) }));

  test("so does certs.d in the user's home, by the registry's host and port", async () =>
    succeed({}, { HOME: await homeWithCerts(registry.host, { "private.crt": files.ca }) }));

  test("so does SSL_CERT_FILE", () => succeed({}, { SSL_CERT_FILE: files.ca }));

  test("so does SSL_CERT_DIR", async () =>
    succeed({}, { SSL_CERT_DIR: await fill(await temporaryDirectory("certs"), { "x.pem": files.ca }) }));

  test("so does NODE_EXTRA_CA_CERTS", () => succeed({}, { NODE_EXTRA_CA_CERTS: files.ca }));

  test("certs.d of another port does not", async () => {
    const home = await homeWithCerts("127.0.0.1:1", { "private.crt": files.ca });
    expectMessage(await runCli(scene.arguments(options), { env: { HOME: home } }), {
      status: 5,
      code: "TLS",
      message: [`base ${registry.host}/scene/base: ${registry.host}: `, "certificate"],
      hint: /--ca-file.*certs\.d.*--insecure/,
    });
  });

  test("an authority that signed another certificate does not", async () => {
    const { ca } = await makeCertificates();
    await expectRefusal(await runCli(scene.arguments({ ...options, "ca-file": ca })), {
      status: 5,
      code: "TLS",
      message: [`base ${registry.host}/scene/base`, "certificate"],
      hint: /--ca-file/,
    });
  });

  test("without credentials it is the registry that says no, not TLS", async () => {
    const result = await runCli(scene.arguments({ ...at(registry.host), "ca-file": files.ca }));
    await expectRefusal(result, {
      status: 3,
      code: "UNAUTHORIZED",
      message: [`base ${registry.host}/scene/base`],
      hint: `no credentials for ${registry.host}`,
    });
  });

  describe("what is wrong with a file is told before anything is asked:", () => {
    const unasked = { builder: "registry.invalid/a:1", base: "registry.invalid/b:1", tag: "oci:out" };

    test.each([
      ["a --ca-file that is not there", { "ca-file": "/nowhere/ca.pem" }, "/nowhere/ca.pem"],
      ["a --cert-dir that is not there", { "cert-dir": "/nowhere" }, "/nowhere"],
      ["a --cert without --key", { cert: "/nowhere/client.pem" }, "/nowhere/client.pem has no key"],
      [
        "a --registries-conf that is not there",
        { "registries-conf": "/nowhere/registries.conf" },
        "/nowhere/registries.conf",
      ],
    ])("%s", async (_, changes, named) => {
      await expectRefusal(await runCli(scene.arguments({ ...unasked, ...changes })), {
        status: 2,
        code: "USAGE",
        message: [named],
        hint: /./,
      });
    });

    test("a --ca-file that is a key", async () => {
      await expectRefusal(await runCli(scene.arguments({ ...unasked, "ca-file": files.serverKey })), {
        status: 2,
        code: "USAGE",
        message: [`${files.serverKey} has no certificate in it`],
        hint: "PEM",
      });
    });

    test("a client certificate with the key of another", async () => {
      const pair = { cert: files.clientCert, key: files.serverKey };
      await expectRefusal(await runCli(scene.arguments({ ...unasked, ...pair })), {
        status: 2,
        code: "USAGE",
        message: [files.clientCert, files.serverKey],
        hint: "the key must be the certificate's",
      });
    });
  });

  test("a certificate in certs.d without its key is named", async () => {
    const home = await homeWithCerts(registry.host, { "client.cert": files.clientCert });
    expectMessage(await runCli(scene.arguments(options), { env: { HOME: home } }), {
      status: 2,
      code: "USAGE",
      message: [`${registry.host} has client.cert but no client.key`],
      hint: "NAME.key",
    });
  });
});

describeWith(["cli", "docker-registry", "openssl", "nginx"], "docker-registry behind nginx", () => {
  let scene: ComposeScene;
  let files: Certificates;
  let demanding: Nginx;
  let limited: Nginx;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
    await scene.add(
      "large",
      makeImage({
        layers: [{ files: [{ path: "app/" }, { path: "app/data", content: randomBytes(3 * 1024 * 1024) }] }],
      }),
    );
    files = await makeCertificates();
    const upstream = scene.registry.url;
    demanding = await startNginx({ upstream, certificates: files, demandsClient: true });
    limited = await startNginx({ upstream, certificates: files, maxBody: "1m" });
  });
  afterAll(async () => {
    for (const nginx of [demanding, limited]) await nginx.stop();
    await scene.stop();
  });

  describe("that demands client certificates", () => {
    test("--cert and --key are shown", async () => {
      const trust = { "ca-file": files.ca, cert: files.clientCert, key: files.clientKey };
      const result = await runCli(scene.arguments({ ...at(demanding.host), ...trust }));
      expect(result, result.stderr).toMatchObject({ status: 0 });
      const requests = await demanding.requests();
      expect(requests).toContain("PUT /v2/scene/made/manifests/tls 201 CN=test client");
    });

    test("so is the certificate in certs.d", async () => {
      const HOME = await homeWithCerts(demanding.host, {
        "ca.crt": files.ca,
        "client.cert": files.clientCert,
        "client.key": files.clientKey,
      });
      const result = await runCli(scene.arguments(at(demanding.host)), { env: { HOME } });
      expect(result, result.stderr).toMatchObject({ status: 0 });
    });

    test("a client without one is told so", async () => {
      const result = await runCli(scene.arguments({ ...at(demanding.host), "ca-file": files.ca }));
      await expectRefusal(result, {
        status: 7,
        code: "REGISTRY_REJECTED",
        message: [`base ${demanding.host}/scene/base:1`, "No required SSL certificate was sent"],
        hint: /--cert and --key.*certs\.d/,
      });
    });

    test("a client with one of another authority is told so", async () => {
      const other = await makeCertificates();
      const trust = { "ca-file": files.ca, cert: other.clientCert, key: other.clientKey };
      const result = await runCli(scene.arguments({ ...at(demanding.host), ...trust }));
      await expectRefusal(result, {
        status: 7,
        code: "REGISTRY_REJECTED",
        message: [`base ${demanding.host}/scene/base:1`, "The SSL certificate error"],
        hint: "client certificate",
      });
    });
  });

  test("a certificate for another name is told so", async () => {
    const certificates = await makeCertificates("DNS:registry.example");
    const nginx = await startNginx({ upstream: scene.registry.url, certificates });
    try {
      const result = await runCli(scene.arguments({ ...at(nginx.host), "ca-file": certificates.ca }));
      await expectRefusal(result, {
        status: 5,
        code: "TLS",
        message: [`base ${nginx.host}/scene/base: ${nginx.host}: `, "127.0.0.1 is not in the cert's list"],
        hint: "by a name its certificate is for",
      });
    } finally {
      await nginx.stop();
    }
  });

  test("that does not tell the registry of TLS, an upload that would go on without it is refused", async () => {
    const registry = await startDockerRegistry();
    const nginx = await startNginx({ upstream: registry.url, certificates: files, forwardsScheme: false });
    try {
      const tag = `${nginx.host}/team/app:1`;
      await expectRefusal(await runCli(scene.arguments({ tag, "ca-file": files.ca })), {
        status: 7,
        code: "REGISTRY_REJECTED",
        message: [`target ${nginx.host}/team/app`, `from TLS to plain HTTP (http://${nginx.host}/v2/`],
        hint: "X-Forwarded-Proto",
      });
    } finally {
      await nginx.stop();
      await registry.stop();
    }
  });

  test("a blob beyond the limit on the size of uploads goes in parts", async () => {
    const large = { builder: `${scene.registry.host}/scene/large:1`, tag: `${limited.host}/scene/large:2` };
    const result = await runCli(scene.arguments({ ...large, "ca-file": files.ca, retries: "0" }));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect((await limited.requests()).some((line) => line.startsWith("PATCH "))).toBe(true);
  });

  test("a limit that leaves no room for parts is told so, with its cause, and moves no tag", async () => {
    const upstream = scene.registry.url;
    const narrow = await startNginx({ upstream, certificates: files, maxBody: "100k" });
    try {
      const result = await runCli(
        scene.arguments({ tag: `${narrow.host}/scene/app:kept`, "ca-file": files.ca }),
      );
      await expectRefusal(result, {
        status: 7,
        code: "REGISTRY_REJECTED",
        message: [`target ${narrow.host}/scene/app: upload of sha256:`, "413"],
        hint: "client_max_body_size",
      });
      await scene.expectUntouched();
    } finally {
      await narrow.stop();
    }
  });

  test("uploads below the limit pass", async () => {
    const small = { ...at(limited.host), "ca-file": files.ca };
    const result = await runCli(scene.arguments({ ...small, tag: `${limited.host}/scene/small:1` }));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await limited.requests()).toContain("PUT /v2/scene/small/manifests/1 201 -");
  });
});

describeWith(["cli", "openssl", "bwrap"], "a user without privileges", () => {
  test("is told which file in certs.d is not readable", async () => {
    const certDir = await fill(await temporaryDirectory("certs"), {
      "ca.crt": (await makeCertificates()).ca,
    });
    const file = join(certDir, "ca.crt");
    await chmod(file, 0);
    await chmod(certDir, 0o755);
    const sandbox = await createSandbox("nothing");
    const args = ["ls", "registry.invalid/a:1", "/", "--cert-dir", certDir];
    expectMessage(await sandbox.compose(args), {
      status: 2,
      code: "USAGE",
      message: [`the CA file ${file} cannot be read: permission denied`],
      hint: "this user may read it",
    });
  });
});
