import { once } from "node:events";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";

let server: Server;
let upstream: string;
let proxy: RecordingProxy;

beforeEach(async () => {
  server = createServer(async (incoming, outgoing) => {
    let size = 0;
    try {
      for await (const chunk of incoming) size += chunk.length;
    } catch {
      return;
    }
    if (incoming.url?.startsWith("/upload") === true) {
      outgoing.writeHead(202, { location: `${upstream}/session?state=1`, "x-kept": "1" }).end();
    } else if (incoming.url === "/relative") {
      outgoing.writeHead(307, { location: "/elsewhere" }).end();
    } else outgoing.end(`${incoming.method} ${incoming.headers.host} ${size} ${"x".repeat(100_000)}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy = await startRecordingProxy(upstream);
});

afterEach(async () => {
  await proxy.stop();
  server.closeAllConnections();
  server.close();
});

test("a request passes with method, path, query, range and bytes of both bodies on record", async () => {
  const response = await fetch(`${proxy.url}/blob?digest=a%3Ab`, {
    method: "PUT",
    body: "12345",
    headers: { range: "bytes=0-4" },
  });
  const text = await response.text();
  expect(text).toMatch(/^PUT 127\.0\.0\.1:\d+ 5 x/);
  expect(proxy.exchanges).toHaveLength(1);
  expect(proxy.exchanges[0]).toMatchObject({
    method: "PUT",
    path: "/blob",
    range: "bytes=0-4",
    requestBytes: 5,
    responseBytes: text.length,
    status: 200,
    finished: true,
  });
  expect(proxy.exchanges[0]?.query.get("digest")).toBe("a:b");
});

test("a Location at the registry is rewritten to the proxy, a relative one is left", async () => {
  const upload = await fetch(`${proxy.url}/upload`, { method: "POST" });
  expect(upload.headers.get("location")).toBe(`${proxy.url}/session?state=1`);
  const relative = await fetch(`${proxy.url}/relative`, { redirect: "manual" });
  expect(relative.headers.get("location")).toBe("/elsewhere");
});

test("a fault answers in the registry's place", async () => {
  proxy.fault = ({ path }) =>
    path === "/a" ? { kind: "answer", status: 429, body: "slow down" } : undefined;
  const refused = await fetch(`${proxy.url}/a`, { method: "POST", body: "ignored" });
  expect([refused.status, await refused.text()]).toEqual([429, "slow down"]);
  expect((await fetch(`${proxy.url}/b`)).status).toBe(200);
});

test("a fault cuts the answer after so many bytes", async () => {
  proxy.fault = () => ({ kind: "cut-response", afterBytes: 1000 });
  const response = await fetch(`${proxy.url}/a`);
  await expect(response.text()).rejects.toThrow();
  expect(proxy.exchanges[0]).toMatchObject({ responseBytes: 1000, finished: false });
});

test("a fault cuts the request's body", async () => {
  proxy.fault = () => ({ kind: "cut-request", afterBytes: 1000 });
  await expect(fetch(`${proxy.url}/a`, { method: "PUT", body: "y".repeat(1_000_000) })).rejects.toThrow();
});

test("the bytes of requests' bodies can be waited for, all together", async () => {
  const reached = proxy.received(7).then(() => proxy.exchanges.map(({ requestBytes }) => requestBytes));
  for (const body of ["12345", "67890", "later"]) {
    await (await fetch(`${proxy.url}/a`, { method: "PUT", body })).text();
  }
  expect(await reached).toEqual([5, 5]);
});

test("a fault stalls the answer until the client gives up", async () => {
  proxy.fault = () => ({ kind: "stall-response", afterBytes: 10 });
  const response = await fetch(`${proxy.url}/a`, { signal: AbortSignal.timeout(200) });
  await expect(response.text()).rejects.toThrow();
  expect(proxy.exchanges[0]).toMatchObject({ responseBytes: 10, finished: false });
});

test("a fault holds the request back until a promise resolves, and its arrival can be waited for", async () => {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  proxy.fault = () => ({ kind: "hold", until });
  const seen = proxy.seen(({ path }) => path === "/held");
  const response = fetch(`${proxy.url}/held`, { method: "PUT", body: "12345" });
  expect((await seen).status).toBeUndefined();
  release();
  expect(await (await response).text()).toMatch(/^PUT \S+ 5 /);
});

test("a fault resets the connection at once, or in place of the answer", async () => {
  proxy.fault = ({ path }) =>
    path === "/at-once" ? { kind: "reset" } : { kind: "cut-response", afterBytes: 0 };
  await expect(fetch(`${proxy.url}/at-once`)).rejects.toThrow();
  expect(proxy.exchanges[0]).toMatchObject({ status: undefined, finished: false });
  await expect(fetch(`${proxy.url}/later`, { method: "PUT", body: "12345" })).rejects.toThrow();
  expect(proxy.exchanges[1]).toMatchObject({ requestBytes: 5, status: undefined, finished: false });
});

test("a fault takes a part of the request, then nothing more", async () => {
  proxy.fault = () => ({ kind: "stall-request", afterBytes: 1000 });
  const leave = new AbortController();
  const body = "y".repeat(20_000_000);
  const request = { method: "PUT", body, signal: leave.signal };
  const refused = expect(fetch(`${proxy.url}/a`, request)).rejects.toThrow();
  await vi.waitFor(() => expect(proxy.exchanges[0]?.requestBytes).toBeGreaterThan(0), 20_000);
  await delay(300);
  leave.abort();
  await refused;
  expect(proxy.exchanges[0]?.requestBytes).toBeLessThan(body.length);
});

test("a fault alters path, headers, status and body, and keeps the answer back", async () => {
  proxy.fault = () => ({
    kind: "alter",
    path: (path) => path.replace("/a", "/upload"),
    headers: ({ location }) => ({ location: `${location}&more=2`, "x-odd": "yes", "x-kept": undefined }),
    status: 299,
    delayMs: 10,
  });
  const moved = await fetch(`${proxy.url}/a`, { method: "POST" });
  expect(moved.status).toBe(299);
  expect(moved.headers.get("location")).toBe(`${proxy.url}/session?state=1&more=2`);
  expect([moved.headers.get("x-odd"), moved.headers.get("x-kept")]).toEqual(["yes", null]);
  proxy.fault = () => ({
    kind: "alter",
    body: (chunk, at) => (at === 0 ? Buffer.from(chunk).fill("z") : chunk),
  });
  expect(await (await fetch(`${proxy.url}/b`)).text()).toMatch(/^zzz/);
});

test("a bad line cuts a connection whenever so many bytes went over it", async () => {
  proxy.fault = () => ({ kind: "line", cutEveryBytes: 150_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (): Promise<string> =>
    new Promise((resolve) => {
      const cut = (): void => resolve("cut");
      const asking = request(`${proxy.url}/a`, { agent }, (answer) => {
        answer
          .once("error", cut)
          .once("end", () => resolve("whole"))
          .resume();
      });
      asking.once("error", cut).end();
    });
  const ends = [await get(), await get(), await get(), await get()];
  agent.destroy();
  expect(ends).toEqual(["whole", "cut", "whole", "cut"]);
});
