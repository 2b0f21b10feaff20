import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unstoppable } from "../../../../src/io/call.ts";
import type { TransferEvent } from "../../../../src/io/transfer.ts";
import { RegistryClient, type RegistryClientOptions } from "../../../../src/store/registry/client.ts";
import { sampleBlob } from "../scripted-registry.ts";
import { loopbackCertificate } from "./loopback-certificate.ts";

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

test("a CA file that cannot be read or used is named", async () => {
  const port = await tlsServer();
  const absent = join(directory, "absent.crt");
  await expect(exists(`127.0.0.1:${port}`, { caFile: absent }).answer).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining(absent),
  });
});

test("a registry elsewhere is reached through the proxy, by a tunnel", async () => {
  const asked: string[] = [];
  const proxy = createHttpServer();
  proxy.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  const env = { HTTPS_PROXY: `http://user:secret@127.0.0.1:${await listen(proxy)}` };
  await expect(exists("registry.invalid", { env }).answer).rejects.toMatchObject({
    code: "NETWORK",
    message: expect.stringMatching(/^(?!.*secret).*407/),
  });
  expect(asked).toEqual(["registry.invalid:443"]);
});
