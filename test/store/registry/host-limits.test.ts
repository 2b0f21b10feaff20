import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Call, unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import type { Descriptor } from "../../../src/model/descriptor.ts";
import type { HostLimits } from "../../../src/model/host-limits.ts";
import { identityUser, passwordCredential } from "../../../src/store/registry/auth/credential.ts";
import { fetchToken } from "../../../src/store/registry/auth/token.ts";
import { RegistryClient, type RegistryClientOptions } from "../../../src/store/registry/client.ts";
import { Dispatchers } from "../../../src/store/registry/hosts/dispatchers.ts";
import { HostLimiters } from "../../../src/store/registry/hosts/host-limiter.ts";
import { discard, type HttpRequest } from "../../../src/store/registry/http.ts";
import { exchangeFollowing } from "../../../src/store/registry/redirect.ts";
import { Transport } from "../../../src/store/registry/transport.ts";
import type { Target } from "../../../src/store/target.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { secret } from "../../support/secrets.ts";
import { type CountingRegistry, startCountingRegistry } from "./counting-registry.ts";
import { openForTest, startForTest } from "./open-for-test.ts";
import { sampleBlob } from "./scripted-registry.ts";

const samples = Array.from({ length: 9 }, (_, seed) => sampleBlob(100_000, seed + 1));
const descriptors = samples.map(({ descriptor }) => descriptor);

async function startFull(): Promise<CountingRegistry> {
  const registry = await startCountingRegistry();
  for (const { bytes, descriptor } of samples) registry.blobs.set(descriptor.digest, bytes);
  return registry;
}
const open = (host: string, limits: HostLimits, options: RegistryClientOptions = {}) =>
  openForTest(host, { hostLimits: { [host]: limits }, retries: 0, ...options });
async function read(source: Target, descriptor: Descriptor | undefined): Promise<number> {
  if (descriptor === undefined) return 0;
  return (await collect(await source.fetch(descriptor, unstoppable), 2 ** 20, "blob")).byteLength;
}

/** A transport whose limits go by a clock that stands still. */
async function slowTransport(limits: HostLimits) {
  const registry = await startFull();
  const clock = new FakeClock();
  const dispatchers = new Dispatchers({
    ...{ insecureHosts: [], env: {}, connectTimeoutMs: 10_000, timeoutMs: 10_000, connections: 8 },
  });
  onTestFinished(() => dispatchers.close());
  const limiters = new HostLimiters({ [registry.host]: limits }, clock);
  const transport = new Transport({
    ...{ dispatchers, limiters, timeoutMs: 10_000, userAgent: "test", onTransfer: () => {} },
  });
  const party = { side: "source", registry: registry.host, store: `${registry.host}/app` } as const;
  const send = (
    request: Pick<HttpRequest, "method"> & Partial<HttpRequest>,
    path = "/v2/x",
    call: Call = unstoppable,
  ) =>
    transport.exchange(
      { url: new URL(`http://${registry.host}${path}`), headers: {}, ...request },
      party,
      call,
    );
  return { registry, clock, party, transport, send };
}
const blobPath = `/v2/app/blobs/${descriptors[0]?.digest}`;

describe("concurrency", () => {
  test("is never exceeded, by downloads and questions together", async () => {
    const registry = await startFull();
    const { target } = open(registry.host, { concurrency: 2 });
    const absent = sampleBlob(10, 99).descriptor;
    await Promise.all([
      ...descriptors.map((descriptor) => read(target, descriptor)),
      ...descriptors.map((descriptor) => target.exists(descriptor, unstoppable)),
      ...descriptors.map(() => target.exists(absent, unstoppable)),
      ...descriptors.map(() => read(target, absent).catch(() => 0)),
    ]);
    expect(registry.most.reads).toBe(2);
    expect(registry.seen).toHaveLength(36);
  });

  test("is never exceeded by uploads", async () => {
    const registry = await startCountingRegistry();
    const { target } = open(registry.host, { concurrency: 2 });
    const push = ({ bytes, descriptor }: (typeof samples)[number]) =>
      target.push(
        descriptor,
        async () =>
          (async function* () {
            yield bytes;
          })(),
        unstoppable,
      );
    await Promise.all(samples.map(push));
    expect(registry.most.writes).toBe(2);
    expect([...registry.blobs.keys()].sort()).toEqual(descriptors.map(({ digest }) => digest).sort());
  });

  test("of one is enough for a copy within the same registry", async () => {
    const registry = await startFull();
    const { client } = open(registry.host, { concurrency: 1 });
    const source = client.source({ registry: registry.host, repository: "from/app", tag: "1" }, "source");
    const target = client.repository(registry.host, "to/app", "target");
    await Promise.all(
      descriptors.map((descriptor) =>
        target.push(descriptor, (call) => source.fetch(descriptor, call), unstoppable),
      ),
    );
    expect(registry.most).toEqual({ reads: 1, writes: 1 });
    expect(registry.seen.filter((each) => each.startsWith("PUT"))).toHaveLength(9);
  });

  test("of one does not keep a token from who holds a challenge", async () => {
    const { registry, party, transport, send } = await slowTransport({ concurrency: 1 });
    const challenges = [await send({ method: "GET" }, blobPath), await send({ method: "POST" })];
    registry.intercept = (_, response) => Boolean(response.end('{"token":"t"}'));
    const realm = new URL(`http://${registry.host}/token`);
    for (const credential of [undefined, passwordCredential(identityUser, secret("refresh-token"))]) {
      const request = { realm, service: undefined, scopes: [], credential, party, credentialHint: "" };
      expect(await fetchToken(transport, request, unstoppable)).toMatchObject({ value: "t" });
    }
    await Promise.all(challenges.map(discard));
  });

  test("is given back by answers that are read, left, broken off, aborted, refused and discarded", async () => {
    const { registry, party, transport, send } = await slowTransport({ concurrency: 1 });
    const readAll = async () => collect((await send({ method: "GET" }, blobPath)).body, 2 ** 20, "blob");
    expect(await readAll()).toHaveLength(100_000);

    for await (const _ of (await send({ method: "GET" }, blobPath)).body) break;
    await discard(await send({ method: "GET" }, blobPath));
    await discard(await send({ method: "HEAD" }, blobPath));
    const stop = new AbortController();
    await send({ method: "GET" }, blobPath, stop);
    stop.abort();
    expect(await readAll()).toHaveLength(100_000);

    registry.intercept = (_, response) => {
      response.writeHead(200, { "content-length": 100_000 }).write("x");
      setTimeout(() => response.destroy(), 5);
      return true;
    };
    await expect(readAll()).rejects.toThrow();
    registry.intercept = (_, response) => Boolean(response.destroy());
    await expect(readAll()).rejects.toThrow();
    registry.intercept = (_, response) =>
      Boolean(response.writeHead(302, { location: "http://169.254.1.1/" }).end("moved"));
    const request = { method: "GET", url: new URL(`http://${registry.host}/v2/x`), headers: {} } as const;
    await expect(exchangeFollowing(transport, request, party, unstoppable)).rejects.toMatchObject({
      code: "NETWORK",
    });
    registry.intercept = () => false;
    expect(await readAll()).toHaveLength(100_000);
  });

  test("an abort while waiting ends at once, and what comes after still gets its turn", async () => {
    const registry = await startFull();
    const { target } = open(registry.host, { concurrency: 1 });
    const [first, second, third] = descriptors;
    if (first === undefined || second === undefined || third === undefined) throw new Error("no blobs");
    const held = await target.fetch(first, unstoppable);
    const stop = new AbortController();
    const waiting = Promise.allSettled([target.fetch(second, stop), target.exists(second, stop)]);
    const after = read(target, third);
    stop.abort(new Error("stopped"));
    for (const result of await waiting) expect(result).toMatchObject({ reason: { message: "stopped" } });
    expect(registry.seen).toHaveLength(1);
    expect((await collect(held, 2 ** 20, "blob")).byteLength).toBe(100_000);
    expect(await after).toBe(100_000);
  });

  test("counts storage that the registry redirects to, and does not count other registries", async () => {
    const storage = await startFull();
    const registry = await startForTest((request, response) =>
      response.writeHead(307, { location: `http://${storage.host}${request.path}` }).end(),
    );
    const limited = open(registry.host, { concurrency: 2 }).target;
    await Promise.all(descriptors.map((descriptor) => read(limited, descriptor)));
    expect(storage.most.reads).toBe(2);

    const other = await startFull();
    const free = openForTest(other.host, { hostLimits: { "registry.example": { concurrency: 1 } } }).target;
    await Promise.all(descriptors.map((descriptor) => read(free, descriptor)));
    expect(other.most.reads).toBeGreaterThan(2);
  });

  test("of * holds for every registry by itself that has no limits of its own", async () => {
    const [one, two] = [await startFull(), await startFull()];
    const client = new RegistryClient({
      env: {},
      hostLimits: { "*": { concurrency: 1 }, [two.host]: { concurrency: 3 } },
    });
    const repositories = [one, two].map(({ host }) => client.repository(host, "team/app", "source"));
    await Promise.all(
      repositories.flatMap((from) => descriptors.map((descriptor) => read(from, descriptor))),
    );
    await client.close();
    expect([one.most.reads, two.most.reads]).toEqual([1, 3]);
  });
});

describe("requests and bytes in a second", () => {
  test("requests begin one after the other, whatever they ask", async () => {
    const { registry, clock, send } = await slowTransport({ requestsPerSecond: 0.5 });
    const all = Promise.all(
      (["HEAD", "POST", "GET"] as const).map((method) => send({ method }).then(discard)),
    );
    for (const [ms, expected] of [
      [0, 1],
      [1999, 1],
      [1, 2],
      [2000, 3],
    ] as const) {
      await clock.pass(ms);
      await expect.poll(() => registry.seen.length).toBe(expected);
    }
    await all;
  });

  test("a request that is to outlast its abort does not wait beyond it", async () => {
    const { registry, send } = await slowTransport({ concurrency: 1 });
    const held = await send({ method: "POST" });
    const stop = new AbortController();
    const waiting = send({ method: "POST", queueing: stop });
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
    await discard(held);
    expect(registry.seen).toHaveLength(1);
  });

  test("a token is asked for at once, and counts", async () => {
    const { registry, clock, send } = await slowTransport({ requestsPerSecond: 1 });
    await send({ method: "GET", atOnce: true }).then(discard);
    const next = send({ method: "GET" }).then(discard);
    await clock.pass(999);
    expect(registry.seen).toHaveLength(1);
    await clock.pass(1);
    await next;
    expect(registry.seen).toHaveLength(2);
  });

  test("bytes are read no faster than they may come", async () => {
    const { clock, send } = await slowTransport({ bytesPerSecond: 50_000 });
    const answer = await send({ method: "GET" }, blobPath);
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of answer.body) bytes += chunk.byteLength;
    })();
    await expect.poll(() => clock.sleepers, { timeout: 5000 }).toBe(1);
    expect(bytes).toBeLessThan(100_000);
    await clock.pass(10_000);
    await expect.poll(() => clock.pass(10_000).then(() => bytes)).toBe(100_000);
    await reading;
  });

  test("bytes are sent no faster, in pieces, and not asked of their source before", async () => {
    const { registry, clock, send } = await slowTransport({ bytesPerSecond: 50_000 });
    const blob = samples[0]?.bytes ?? Buffer.alloc(0);
    let asked = 0;
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < blob.byteLength; at += 10_000) {
        asked = at + 10_000;
        yield blob.subarray(at, at + 10_000);
      }
    }
    const sent = send(
      {
        method: "PUT",
        headers: { "content-length": String(blob.byteLength) },
        body: (paced) => Readable.from(paced(content()), { objectMode: false, highWaterMark: 1 }),
      },
      "/upload",
    );
    await expect.poll(() => clock.sleepers).toBe(1);
    expect(asked).toBeLessThanOrEqual(20_000);
    await clock.pass(1000);
    await expect.poll(() => asked).toBeGreaterThan(20_000);
    expect(asked).toBeLessThanOrEqual(70_000);
    await expect.poll(() => clock.pass(1000).then(() => registry.blobs.size)).toBe(9);
    await discard(await sent);
    expect(asked).toBe(100_000);
  });

  test("a 429 holds up every request of the registry for as long as it says, a minute at most", async () => {
    for (const [retryAfter, ms] of [
      ["7", 7000],
      ["3600", 60_000],
    ] as const) {
      const { registry, clock, send } = await slowTransport({});
      registry.intercept = (_, response) =>
        Boolean(response.writeHead(429, { "retry-after": retryAfter }).end());
      await send({ method: "GET" }).then(discard);
      registry.intercept = () => false;
      const others = Promise.all([
        send({ method: "GET" }).then(discard),
        send({ method: "POST" }).then(discard),
      ]);
      await clock.pass(ms - 1);
      expect(registry.seen).toHaveLength(1);
      await clock.pass(1);
      await others;
      expect(registry.seen).toHaveLength(3);
    }
  });
});

test.each([
  ["registry.example", { concurrency: 0 }, /^concurrency of registry\.example is 0: a limit is a whole/],
  ["*", { concurrency: 1.5 }, /^concurrency of \* is 1\.5/],
  ["*", { requestsPerSecond: 0 }, /^requestsPerSecond of \* is 0: a limit is a number above 0/],
  ["*", { bytesPerSecond: Number.POSITIVE_INFINITY }, /^bytesPerSecond of \* is Infinity/],
  ["https://registry.example/", {}, /is not a registry's host/],
] as const)("limits that are none are refused: %s %o", (registry, limits, message) => {
  expect(() => new RegistryClient({ env: {}, hostLimits: { [registry]: limits } })).toThrow(message);
});
