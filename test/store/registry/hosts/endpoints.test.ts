import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unstoppable } from "../../../../src/io/call.ts";
import type { TransferEvent } from "../../../../src/io/transfer.ts";
import { RegistryClient, type RegistryClientOptions } from "../../../../src/store/registry/client.ts";
import { secret } from "../../../support/secrets.ts";
import { sampleBlob } from "../scripted-registry.ts";
import { expiredCertificate, futureCertificate, loopbackCertificate } from "./loopback-certificate.ts";

const cleanups: (() => unknown)[] = [];
let directory: string;
let caFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "compose-image-tls-"));
  caFile = join(directory, "ca.crt");
  await writeFile(caFile, loopbackCertificate.cert);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(directory, { recursive: true, force: true });
});

const { descriptor } = sampleBlob(10);

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  return (server.address() as AddressInfo).port;
}

const found: RequestListener = (_, response) => response.writeHead(200).end();
const tlsServer = () => listen(createTlsServer(loopbackCertificate, found));

function exists(registry: string, options: RegistryClientOptions) {
  const urls: string[] = [];
  const onTransfer = (event: TransferEvent): void => {
    if (event.kind === "request") urls.push(event.url);
  };
  const client = new RegistryClient({ env: {}, retries: 0, onTransfer, ...options });
  cleanups.push(() => client.close());
  const answer = client.repository(registry, "app", "base").exists(descriptor, unstoppable);
  const schemeUsed = async (): Promise<string | undefined> => {
    await answer;
    return urls.at(-1)?.split(":")[0];
  };
  return { answer, schemeUsed };
}

describe("a registry on loopback", () => {
  test("is spoken to over plain HTTP", async () => {
    const port = await listen(createHttpServer(found));
    expect(await exists(`localhost:${port}`, {}).schemeUsed()).toBe("http");
  });

  test("is spoken to over TLS when that is what it speaks, and verified", async () => {
    const port = await tlsServer();
    expect(await exists(`127.0.0.1:${port}`, { caFile }).schemeUsed()).toBe("https");
    await expect(exists(`127.0.0.1:${port}`, {}).answer).rejects.toMatchObject({
      code: "TLS",
      hint: expect.stringContaining("--ca-file"),
    });
  });

  test("is spoken to over TLS when it answers plain HTTP with a complaint, as Go's servers do", async () => {
    const tls = await tlsServer();
    const front = createTcpServer((socket) => {
      socket.once("data", async (first) => {
        if (first[0] !== 0x16) {
          const body = "Client sent an HTTP request to an HTTPS server.\n";
          socket.end(`HTTP/1.0 400 Bad Request\r\n\r\n${body}`);
          return;
        }
        const { connect } = await import("node:net");
        const back = connect(tls, "127.0.0.1");
        back.write(first);
        for (const [from, to] of [
          [socket, back],
          [back, socket],
        ] as const) {
          from.on("data", (chunk) => to.write(chunk));
          from.on("close", () => to.destroy());
          from.on("error", () => to.destroy());
        }
      });
    });
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    cleanups.push(() => front.close());
    const { port } = front.address() as AddressInfo;
    expect(await exists(`127.0.0.1:${port}`, { caFile }).schemeUsed()).toBe("https");
  });
});

describe("an insecure registry", () => {
  test("is spoken to over TLS that is not verified", async () => {
    const port = await tlsServer();
    const registry = `127.0.0.1:${port}`;
    expect(await exists(registry, { insecureHosts: [registry] }).schemeUsed()).toBe("https");
  });

  test("is spoken to over plain HTTP when it speaks no TLS", async () => {
    const port = await listen(createHttpServer(found));
    expect(await exists(`127.0.0.1:${port}`, { insecureHosts: ["127.0.0.1"] }).schemeUsed()).toBe("http");
  });

  test("does not make another insecure", async () => {
    const port = await tlsServer();
    await expect(
      exists(`127.0.0.1:${port}`, { insecureHosts: ["127.0.0.1:1"] }).answer,
    ).rejects.toMatchObject({
      code: "TLS",
    });
  });
});

test.each([
  ["that has expired", expiredCertificate, /expired/, "renewed"],
  ["that is not valid yet", futureCertificate, /not yet valid/, "clock"],
])("a certificate %s is told so, with what to do", async (_, cert, message, hint) => {
  await writeFile(caFile, cert);
  const port = await listen(createTlsServer({ key: loopbackCertificate.key, cert }, found));
  await expect(exists(`127.0.0.1:${port}`, { caFile }).answer).rejects.toMatchObject({
    code: "TLS",
    message: expect.stringMatching(message),
    hint: expect.stringContaining(hint),
  });
});

test("a certificate for another name is told so, with what to do", async () => {
  const port = await tlsServer();
  await expect(exists(`0.0.0.0:${port}`, { caFile }).answer).rejects.toMatchObject({
    code: "TLS",
    message: expect.stringMatching(/0\.0\.0\.0 is not in the cert's list/),
    hint: expect.stringContaining("by a name its certificate is for"),
  });
});

describe("certs.d in the user's home", () => {
  const trust = async (name: string): Promise<{ readonly HOME: string }> => {
    const certs = join(directory, ".config/containers/certs.d", name);
    await mkdir(certs, { recursive: true });
    await writeFile(join(certs, "ca.crt"), loopbackCertificate.cert);
    return { HOME: directory };
  };

  test("makes an authority trusted for one registry", async () => {
    const [mine, other] = [await tlsServer(), await tlsServer()];
    const env = await trust(`127.0.0.1:${mine}`);
    expect(await exists(`127.0.0.1:${mine}`, { env }).answer).toBe(true);
    await expect(exists(`127.0.0.1:${other}`, { env }).answer).rejects.toMatchObject({
      code: "TLS",
      hint: expect.stringContaining("certs.d"),
    });
  });

  test("also for connections that a client which knows others makes", async () => {
    const [mine, other] = [await tlsServer(), await tlsServer()];
    const env = await trust(`127.0.0.1:${mine}`);
    const client = new RegistryClient({ env, retries: 0 });
    cleanups.push(() => client.close());
    const ask = (port: number) =>
      client.repository(`127.0.0.1:${port}`, "app", "base").exists(descriptor, unstoppable);
    await expect(ask(other)).rejects.toMatchObject({ code: "TLS" });
    expect(await ask(mine)).toBe(true);
    await expect(ask(other)).rejects.toMatchObject({ code: "TLS" });
  });
});

describe("registries.conf", () => {
  const insecure = async (location: string): Promise<string> => {
    const file = join(directory, "registries.conf");
    await writeFile(file, `[[registry]]\nlocation = "${location}"\ninsecure = true\n`);
    return file;
  };

  test("makes a registry insecure for what its prefix names, and nothing else", async () => {
    const registry = `127.0.0.1:${await tlsServer()}`;
    const registriesConf = await insecure(`${registry}/app`);
    const client = new RegistryClient({ env: {}, retries: 0, registriesConf });
    cleanups.push(() => client.close());
    const ask = (name: string) => client.repository(registry, name, "base").exists(descriptor, unstoppable);
    expect(await ask("app")).toBe(true);
    await expect(ask("other")).rejects.toMatchObject({ code: "TLS" });
    expect(await ask("app")).toBe(true);
  });
});

test("SSL_CERT_DIR names directories of authorities; what else is in them does not matter", async () => {
  const port = await tlsServer();
  await writeFile(join(directory, "README"), "no certificate");
  await mkdir(join(directory, "more"));
  const env = { SSL_CERT_DIR: `${join(directory, "more")}:${directory}` };
  expect(await exists(`127.0.0.1:${port}`, { env }).answer).toBe(true);
});

test("SSL_CERT_FILE takes the place of the system's authorities", async () => {
  const port = await tlsServer();
  expect(await exists(`127.0.0.1:${port}`, { env: { SSL_CERT_FILE: caFile } }).answer).toBe(true);
});

test("a client's certificate is shown to registries that ask for it", async () => {
  const certificates = { ...loopbackCertificate, ca: loopbackCertificate.cert, requestCert: true };
  const server = createTlsServer({ ...certificates, rejectUnauthorized: true }, found);
  const registry = `127.0.0.1:${await listen(server)}`;
  const [cert, key] = [caFile, join(directory, "client.key")];
  await writeFile(key, loopbackCertificate.key);
  expect(await exists(registry, { caFile, cert, key }).answer).toBe(true);
  await expect(exists(registry, { caFile }).answer).rejects.toMatchObject({
    code: expect.stringMatching(/TLS|NETWORK/),
  });
});

describe("a registry elsewhere", () => {
  /** A proxy that answers CONNECT and any other request with a status. */
  async function refusingProxy(status: number) {
    const asked: string[] = [];
    const proxy = createHttpServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(status).end();
    });
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      socket.end(`HTTP/1.1 ${status} Refused\r\n\r\n`);
    });
    return { asked, host: `127.0.0.1:${await listen(proxy)}` };
  }

  test("is reached through the proxy, by a tunnel; a proxy that wants credentials is named without those it got", async () => {
    const { asked, host } = await refusingProxy(407);
    const env = { HTTPS_PROXY: `http://user:${secret("word-of-proxy-")}@${host}` };
    await expect(exists("registry.invalid", { env }).answer).rejects.toMatchObject({
      code: "NETWORK",
      message: `base registry.invalid/app: registry.invalid through the proxy ${host}: the proxy wants credentials (it answered 407)`,
      hint: expect.stringContaining("http://user:password@host:port"),
    });
    expect(asked).toEqual(["registry.invalid:443"]);
  });

  test("is told apart from a proxy whose rules do not allow it", async () => {
    const { host } = await refusingProxy(403);
    await expect(
      exists("registry.invalid", { env: { https_proxy: `http://${host}` } }).answer,
    ).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining(`the proxy ${host}: the proxy refuses (it answered 403)`),
      hint: expect.stringContaining("NO_PROXY"),
    });
  });

  test("that the proxy cannot reach is tried again", async () => {
    const { asked, host } = await refusingProxy(502);
    await expect(
      exists("registry.invalid", { env: { https_proxy: host }, retries: 1 }).answer,
    ).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("(it answered 502)") });
    expect(asked).toHaveLength(2);
  });

  test("without TLS is asked of the proxy as a whole URL, after a tunnel was refused", async () => {
    const { asked, host } = await refusingProxy(403);
    const env = { HTTPS_PROXY: host, HTTP_PROXY: host };
    await expect(
      exists("registry.invalid:5000", { env, insecureHosts: ["registry.invalid"] }).answer,
    ).rejects.toMatchObject({ code: "DENIED" });
    expect(asked.slice(0, 2)).toEqual(["registry.invalid:5000", "http://registry.invalid:5000/v2/"]);
  });

  test("without TLS, behind a proxy that wants credentials, is not taken for the one that wants them", async () => {
    const { host } = await refusingProxy(407);
    const env = { HTTP_PROXY: host };
    await expect(
      exists("registry.invalid:5000", { env, insecureHosts: ["registry.invalid"] }).answer,
    ).rejects.toMatchObject({ code: "NETWORK" });
  });

  test("is not blamed for a proxy that is not there", async () => {
    const env = { HTTPS_PROXY: "http://127.0.0.1:1" };
    await expect(exists("registry.invalid", { env }).answer).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("through the proxy 127.0.0.1:1: connection refused"),
    });
  });
});
