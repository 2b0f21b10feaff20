import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import type { Descriptor } from "../../../src/model/descriptor.ts";
import type { RegistryClientOptions } from "../../../src/store/registry/client.ts";
import { expectNoSecrets, secret } from "../../support/secrets.ts";
import { openForTest, startForTest } from "./open-for-test.ts";
import { countOf, registryError, type Script, sampleBlob, sendJson } from "./scripted-registry.ts";

const start = startForTest;
const open = (host: string, options: RegistryClientOptions = {}) =>
  openForTest(host, { side: "builder", ...options });
const read = async (host: string, descriptor: Descriptor, options: RegistryClientOptions = {}) =>
  collect(await open(host, options).target.fetch(descriptor, unstoppable), 2 ** 26, "blob");

const { bytes, descriptor } = sampleBlob(300_000);

/** Answers a range request as the RFC says, and one without with everything. */
function sendBlob(response: ServerResponse, range: string | undefined, cutAt?: number): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  const part = first === undefined ? bytes : bytes.subarray(Number(first), Number(last) + 1);
  response.writeHead(first === undefined ? 200 : 206, {
    "content-length": part.byteLength,
    ...(first !== undefined && { "content-range": `bytes ${first}-${last}/${bytes.byteLength}` }),
  });
  if (cutAt === undefined) response.end(part);
  else response.write(part.subarray(0, cutAt), () => setTimeout(() => response.destroy(), 20));
}

test("a blob is asked for without content coding and given byte for byte, with its events", async () => {
  const registry = await start((_, response) => sendBlob(response, undefined));
  const { target, events } = open(registry.host);
  const content = await target.fetch(descriptor, unstoppable);
  expect(await collect(content, 2 ** 20, "blob")).toEqual(bytes);
  expect(registry.seen[0]?.headers["accept-encoding"]).toBe("identity");
  const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== "request" && kind !== "progress");
  expect(kinds).toEqual(["started", "finished"]);
  const progressed = events.flatMap((event) => (event.kind === "progress" ? [event.bytes] : []));
  expect(progressed.reduce((sum, n) => sum + n)).toBe(descriptor.size);
});

describe("when the connection is cut in mid-blob", () => {
  test("the rest is asked for by a closed range, of the registry and not of the storage it redirected to", async () => {
    const ranges: (string | undefined)[] = [];
    const storage = await start((request, response) => {
      ranges.push(request.headers.range);
      sendBlob(response, request.headers.range, ranges.length < 3 ? 65_536 : undefined);
    });
    const registry = await start((request, response) => {
      const count = countOf(registry, "GET");
      response
        .writeHead(307, { location: `http://${storage.host}/signed-${count}?sig=${request.path.length}` })
        .end();
    });
    expect(await read(registry.host, descriptor)).toEqual(bytes);
    expect(ranges[0]).toBeUndefined();
    for (const range of ranges.slice(1)) expect(range).toMatch(/^bytes=\d+-299999$/);
    expect(new Set(storage.seen.map(({ path }) => path)).size).toBe(3);
  });

  test("a 200 to the range request is not appended: what was passed on already is skipped", async () => {
    const registry = await start((_, response) =>
      sendBlob(response, undefined, registry.seen.length === 1 ? 100_000 : undefined),
    );
    expect(await read(registry.host, descriptor)).toEqual(bytes);
    expect(registry.seen).toHaveLength(2);
  });

  test("a 206 with another range than asked for is not used; the whole blob is asked for", async () => {
    const registry = await start((request, response) => {
      if (request.headers.range === undefined) {
        sendBlob(response, undefined, registry.seen.length === 1 ? 100_000 : undefined);
      } else {
        response.writeHead(206, { "content-range": `bytes 0-9/${bytes.byteLength}` });
        response.end(bytes.subarray(0, 10));
      }
    });
    expect(await read(registry.host, descriptor)).toEqual(bytes);
    expect(registry.seen.map(({ headers }) => headers.range !== undefined)).toEqual([false, true, false]);
  });

  test("a registry that refuses ranges is asked for the whole blob", async () => {
    const registry = await start((request, response) => {
      if (request.headers.range !== undefined) response.writeHead(416).end();
      else sendBlob(response, undefined, registry.seen.length === 1 ? 100_000 : undefined);
    });
    expect(await read(registry.host, descriptor)).toEqual(bytes);
  });

  test("the digest spans all parts: other bytes after the cut are an integrity error", async () => {
    const registry = await start((request, response) => {
      if (registry.seen.length === 1) return sendBlob(response, undefined, 100_000);
      const first = Number(/\d+/.exec(request.headers.range ?? "")?.[0]);
      response.writeHead(206, { "content-range": `bytes ${first}-299999/300000` });
      response.end(Buffer.alloc(300_000 - first));
    });
    await expect(read(registry.host, descriptor)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  test("it is given up when the retries are used up", async () => {
    const registry = await start((request, response) => sendBlob(response, request.headers.range, 10));
    await expect(read(registry.host, descriptor, { retries: 1 })).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringMatching(/^builder 127\.0\.0\.1:\d+\/team\/app: 127\.0\.0\.1:\d+: /),
    });
    expect(registry.seen).toHaveLength(2);
  });
});

function writeThenEnd(response: ServerResponse, content: Buffer): void {
  response.write(content);
  response.end();
}

describe("content that is not the blob's is an integrity error", () => {
  test.each<[string, string, (response: ServerResponse) => void]>([
    ["another digest", "DIGEST_MISMATCH", (response) => response.end(Buffer.alloc(bytes.byteLength))],
    ["fewer bytes", "SIZE_MISMATCH", (response) => response.end(bytes.subarray(1))],
    ["fewer bytes, of untold length", "SIZE_MISMATCH", (r) => writeThenEnd(r, bytes.subarray(0, 9))],
    [
      "more bytes, of untold length",
      "SIZE_MISMATCH",
      (r) => writeThenEnd(r, Buffer.concat([bytes, Buffer.of(1)])),
    ],
    [
      "an HTML page",
      "SIZE_MISMATCH",
      (response) =>
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<title>Log in</title>"),
    ],
    [
      "a content coding",
      "DIGEST_MISMATCH",
      (r) => r.writeHead(200, { "content-encoding": "gzip" }).end(Buffer.alloc(bytes.byteLength)),
    ],
  ])("%s", async (_, code, send) => {
    const registry = await start((__, response) => send(response));
    await expect(read(registry.host, descriptor, { retries: 1 })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(descriptor.digest),
    });
  });

  test("an HTML page and a content coding are named", async () => {
    const page = await start((_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("x"),
    );
    await expect(read(page.host, descriptor)).rejects.toThrow(/HTML page/);
    const coded = await start((_, response) =>
      response.writeHead(200, { "content-encoding": "br" }).end(Buffer.alloc(bytes.byteLength)),
    );
    await expect(read(coded.host, descriptor)).rejects.toThrow(/content encoding br/);
  });
});

describe("redirects", () => {
  const guarded: Script = (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    }
  };
  const env = (host: string) => ({
    DOCKER_AUTH_CONFIG: JSON.stringify({
      auths: { [host]: { username: "me", password: secret("word-of-fetch-") } },
    }),
  });

  test("to another port of the same host drop the credentials", async () => {
    const storage = await start((_, response) => sendBlob(response, undefined));
    const registry = await start((request, response) => {
      guarded(request, response);
      if (!response.writableEnded) response.writeHead(302, { location: `http://${storage.host}/x` }).end();
    });
    expect(await read(registry.host, descriptor, { env: env(registry.host) })).toEqual(bytes);
    expect(registry.seen.at(-1)?.headers.authorization).toMatch(/^Basic /);
    expect(storage.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test("that come back to the registry do not get the credentials back", async () => {
    const detour = await start((_, response) =>
      response.writeHead(302, { location: `http://${registry.host}/back` }).end(),
    );
    const registry = await start((request, response) => {
      if (request.path === "/back") return sendBlob(response, undefined);
      guarded(request, response);
      if (!response.writableEnded) response.writeHead(302, { location: `http://${detour.host}/x` }).end();
    });
    expect(await read(registry.host, descriptor, { env: env(registry.host) })).toEqual(bytes);
    expect(registry.seen.find(({ path }) => path === "/back")?.headers.authorization).toBeUndefined();
  });

  test("may be relative, and stay on the registry with its credentials", async () => {
    const registry = await start((request, response) => {
      guarded(request, response);
      if (response.writableEnded) return;
      if (request.path === "/storage/x") sendBlob(response, undefined);
      else response.writeHead(307, { location: "/storage/x" }).end();
    });
    expect(await read(registry.host, descriptor, { env: env(registry.host) })).toEqual(bytes);
    expect(registry.seen.at(-1)?.headers.authorization).toMatch(/^Basic /);
  });

  test("without end are given up", async () => {
    const registry = await start((_, response) => response.writeHead(302, { location: "/again" }).end());
    await expect(read(registry.host, descriptor)).rejects.toThrow(/redirected more than 10 times/);
  });

  test("to storage that refuses the link are asked for once more", async () => {
    const signature = secret("signature-");
    const storage = await start((request, response) => {
      if (request.query.get("n") === "1")
        response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>");
      else sendBlob(response, undefined);
    });
    const registry = await start((_, response) =>
      response
        .writeHead(307, { location: `http://${storage.host}/x?n=${registry.seen.length}&sig=${signature}` })
        .end(),
    );
    const { target, events } = open(registry.host);
    expect(await collect(await target.fetch(descriptor, unstoppable), 2 ** 20, "blob")).toEqual(bytes);
    expect(registry.seen).toHaveLength(2);
    expectNoSecrets(JSON.stringify(events), "an event");
  });
});

describe("retries", () => {
  test("429 is waited for as Retry-After says, announced, and asked again", async () => {
    const registry = await start((_, response) => {
      if (registry.seen.length === 1)
        response.writeHead(429, { "retry-after": "0" }).end("slow down, please");
      else sendBlob(response, undefined);
    });
    const { target, events } = open(registry.host);
    expect(await collect(await target.fetch(descriptor, unstoppable), 2 ** 20, "blob")).toEqual(bytes);
    expect(events.filter(({ kind }) => kind === "retry")).toEqual([
      expect.objectContaining({ attempt: 1, reason: "429 slow down, please" }),
    ]);
  });

  test("what the registry said last is the error when the retries are used up", async () => {
    const registry = await start((_, response) =>
      response.writeHead(503).end("<title>Down for repairs</title>"),
    );
    await expect(read(registry.host, descriptor, { retries: 2 })).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringMatching(/^builder .*team\/app: blob sha256:.* answered 503 Down for repairs$/),
    });
    expect(registry.seen).toHaveLength(3);
  });

  test("404 is not asked again and says what the registry said", async () => {
    const registry = await start((_, response) =>
      sendJson(response, 404, registryError("BLOB_UNKNOWN", "not here", { a: 1 })),
    );
    await expect(read(registry.host, descriptor)).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
      message: expect.stringContaining('404 BLOB_UNKNOWN not here ({"a":1})'),
    });
    expect(registry.seen).toHaveLength(1);
  });

  test("a registry that is not there is a clear error, after the retries", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await new Promise((resolve) => server.close(resolve));
    const { target, events } = open(`127.0.0.1:${port}`, { retries: 2 });
    await expect(target.fetch(descriptor, unstoppable)).rejects.toMatchObject({
      code: "NETWORK",
      message: `builder 127.0.0.1:${port}/team/app: 127.0.0.1:${port}: connection refused`,
      hint: expect.any(String),
    });
    expect(events.filter(({ kind }) => kind === "retry")).toHaveLength(2);
  });

  test("a name that does not exist is an error without retries", async () => {
    const { target, events } = open("registry.invalid", { retries: 1 });
    await expect(target.fetch(descriptor, unstoppable)).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("registry.invalid"),
    });
    expect(events.filter(({ kind }) => kind === "retry").length).toBeLessThanOrEqual(1);
  });

  test("an answer that does not come, or does not go on, is given up", async () => {
    const mute = await start(() => {});
    await expect(read(mute.host, descriptor, { timeoutMs: 150, retries: 0 })).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("no progress for 0.15 s"),
    });
    const stuck = await start((_, response) => {
      response.writeHead(200, { "content-length": bytes.byteLength });
      response.write(bytes.subarray(0, 10));
    });
    await expect(read(stuck.host, descriptor, { timeoutMs: 150, retries: 0 })).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("no progress for 0.15 s"),
    });
  });

  test("an answer that drips is given up, and asked for again where it was", async () => {
    const ranges: (string | undefined)[] = [];
    const registry = await start((request, response) => {
      ranges.push(request.headers.range);
      if (ranges.length > 1) return sendBlob(response, request.headers.range);
      response.writeHead(200, { "content-length": bytes.byteLength });
      const drops = setInterval(() => response.write(bytes.subarray(dripped, ++dripped)), 20);
      response.once("close", () => clearInterval(drops));
      let dripped = 0;
    });
    expect(await read(registry.host, descriptor, { timeoutMs: 500, retries: 1 })).toEqual(bytes);
    expect(ranges).toHaveLength(2);
    expect(ranges[1]).toMatch(/^bytes=\d+-299999$/);
  });

  test("a reader that takes its time is not a stalled connection", async () => {
    const big = sampleBlob(4 * 1024 * 1024);
    const registry = await start((_, response) => response.end(big.bytes));
    const content = await open(registry.host, { timeoutMs: 150, retries: 0 }).target.fetch(
      big.descriptor,
      unstoppable,
    );
    let size = 0;
    for await (const chunk of content) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 600));
      size += chunk.byteLength;
    }
    expect(size).toBe(big.descriptor.size);
  });
});

describe("stopping", () => {
  test("an abort while bytes flow ends the read with its reason and closes the connection", async () => {
    const registry = await start((_, response) => {
      response.writeHead(200, { "content-length": bytes.byteLength });
      response.write(bytes.subarray(0, 100_000));
    });
    const { target, events } = open(registry.host);
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const content = await target.fetch(descriptor, { signal: controller.signal });
    const reading = (async () => {
      for await (const _ of content) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    expect(events.at(-1)?.kind).toBe("failed");
    await expect.poll(() => registry.connections()).toBe(0);
  });

  test("an abort while waiting for the answer or for a retry ends with its reason", async () => {
    for (const script of [
      () => {},
      (_: unknown, response: ServerResponse) => response.writeHead(503, { "retry-after": "50" }).end(),
    ]) {
      const registry = await start(script as Script);
      const controller = new AbortController();
      const reason = new Error("interrupted");
      const fetching = open(registry.host).target.fetch(descriptor, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 100);
      await expect(fetching).rejects.toBe(reason);
    }
  });

  test("a reader that leaves early closes the connection", async () => {
    const registry = await start((_, response) => {
      response.writeHead(200, { "content-length": bytes.byteLength });
      response.write(bytes.subarray(0, 100_000));
    });
    for await (const _ of await open(registry.host).target.fetch(descriptor, unstoppable)) break;
    await expect.poll(() => registry.connections()).toBe(0);
  });
});

describe("a foreign layer", () => {
  const foreign = (...urls: string[]): Descriptor => ({
    ...descriptor,
    mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    urls,
  });

  test("is read from its first URL that answers, without credentials, and not asked of the registry", async () => {
    const storage = await start((request, response) => {
      if (request.path === "/absent") response.writeHead(404).end();
      else sendBlob(response, undefined);
    });
    const registry = await start((_, response) => response.writeHead(500).end());
    const layer = foreign(`http://${storage.host}/absent`, `http://${storage.host}/layer`);
    expect(await read(registry.host, layer)).toEqual(bytes);
    expect(storage.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
    expect(registry.seen).toHaveLength(0);
  });

  test("at an address inside the network is not asked for when the registry is elsewhere", async () => {
    const storage = await start((_, response) => sendBlob(response, undefined));
    await expect(read("registry.invalid", foreign(`http://${storage.host}/layer`))).rejects.toMatchObject({
      code: "MANIFEST_INVALID",
    });
    expect(storage.seen).toHaveLength(0);
  });
});

describe("a redirect to the metadata of clouds", () => {
  const toMetadata: Script = (_, response) =>
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end();
  const refusal = { code: "NETWORK", message: expect.stringContaining("link-local address 169.254.169.254") };

  test("is not followed from a registry", async () => {
    const registry = await start(toMetadata);
    await expect(read(registry.host, descriptor)).rejects.toMatchObject(refusal);
  });

  test("is not followed from the URL of a foreign layer", async () => {
    const storage = await start(toMetadata);
    const registry = await start((_, response) => response.writeHead(500).end());
    const layer = {
      ...descriptor,
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      urls: [`http://${storage.host}/layer`],
    };
    await expect(read(registry.host, layer)).rejects.toMatchObject(refusal);
  });
});

describe("a proxy that does not answer CONNECT", () => {
  async function muteProxy(): Promise<{
    readonly env: Record<string, string>;
    readonly asked: Promise<unknown>;
  }> {
    const server = createTcpServer((socket) => sockets.add(socket));
    const sockets = new Set<Socket>();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { env: { HTTPS_PROXY: `http://127.0.0.1:${port}` }, asked: once(server, "connection") };
  }

  test("is given up", async () => {
    const { env } = await muteProxy();
    const fetching = open("registry.example", { env, timeoutMs: 150, retries: 0 }).target.fetch(
      descriptor,
      unstoppable,
    );
    await expect(fetching).rejects.toMatchObject({ code: "NETWORK" });
  });

  test("is left at once by an abort", async () => {
    const { env, asked } = await muteProxy();
    const controller = new AbortController();
    const { target } = open("registry.example", { env });
    const fetching = target.fetch(descriptor, { signal: controller.signal });
    fetching.catch(() => {});
    await asked;
    controller.abort(new Error("interrupted"));
    await expect(fetching).rejects.toThrow("interrupted");
  });
});

test("seventy downloads that wait for their reader leave room for another request", async () => {
  const registry = await start((request, response) => {
    response.writeHead(200, { "content-length": bytes.byteLength });
    if (request.method === "HEAD") response.end();
    else response.write(bytes.subarray(0, 10));
  });
  const { target } = open(registry.host);
  const waiting = Array.from({ length: 70 }, () => target.fetch(descriptor, unstoppable));
  await Promise.all(waiting);
  expect(await target.exists(descriptor, unstoppable)).toBe(true);
});

test("no more connections are opened than allowed, and they are used again", async () => {
  const ports = new Set<number | undefined>();
  const waiting: ServerResponse[] = [];
  const registry = await start((_, response) => {
    ports.add(response.socket?.remotePort);
    waiting.push(response);
    if (waiting.length < 3) return;
    for (const each of waiting.splice(0)) each.writeHead(200, { "content-length": bytes.byteLength }).end();
  });
  const { target } = openForTest(registry.host, { maxConnections: 3 });
  const answers = Array.from({ length: 21 }, () => target.exists(descriptor, unstoppable));
  expect(new Set(await Promise.all(answers))).toEqual(new Set([true]));
  expect(ports.size).toBe(3);
});

test("a server that answers HEAD with a body, against the rules, is understood all the same", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (request: Buffer) => {
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${bytes.byteLength}\r\n\r\n`;
      socket.write(head);
      if (request.toString().startsWith("HEAD")) setTimeout(() => socket.write("<html>"), 5);
      else socket.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const { target } = open(`127.0.0.1:${(server.address() as AddressInfo).port}`, { retries: 2 });
  for (let i = 0; i < 3; i += 1) {
    expect(await target.exists(descriptor, unstoppable)).toBe(true);
    expect(await collect(await target.fetch(descriptor, unstoppable), 2 ** 20, "blob")).toEqual(bytes);
  }
});

test.each(["169.254.169.254", "[fe80::1]"])("a redirect to %s is not followed", async (host) => {
  const registry = await start((_, response) =>
    response.writeHead(307, { location: `http://${host}/latest/meta-data` }).end(),
  );
  await expect(read(registry.host, descriptor, { retries: 0 })).rejects.toMatchObject({
    code: "NETWORK",
    message: expect.stringContaining(`link-local address ${host}`),
  });
});

test("a storage link that was refused is asked for anew, also when its path is the registry's own", async () => {
  const storage = await start((_, response) => {
    if (storage.seen.length === 1) response.writeHead(403).end();
    else sendBlob(response, undefined);
  });
  const registry = await start((request, response) =>
    response.writeHead(307, { location: `http://${storage.host}${request.path}` }).end(),
  );
  expect(await read(registry.host, descriptor)).toEqual(bytes);
  expect(countOf(registry, "GET")).toBe(2);
});
