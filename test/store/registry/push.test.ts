import type { ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { Content, OpenContent } from "../../../src/io/content.ts";
import type { TransferEvent } from "../../../src/io/transfer.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import type { RegistryClientOptions } from "../../../src/store/registry/client.ts";
import { openForTest, startForTest } from "./open-for-test.ts";
import {
  countOf,
  registryError,
  type Script,
  type ScriptedRegistry,
  type SeenRequest,
  sampleBlob,
  sendJson,
} from "./scripted-registry.ts";

const { bytes, descriptor } = sampleBlob(300_000);
const uploads = "/v2/team/app/blobs/uploads/";

/** A registry that lacks every blob, begins sessions one after another, and completes them. */
function uploading(script: Partial<Record<string, Script>> = {}): Script {
  let sessions = 0;
  return (request, response) => {
    const custom = script[request.method];
    if (custom !== undefined) return custom(request, response);
    if (request.method === "HEAD") return response.writeHead(404).end();
    if (request.method === "POST") {
      sessions += 1;
      return response.writeHead(202, { location: `${uploads}${sessions}?_state=a%2Bb` }).end();
    }
    return response.writeHead(request.method === "PUT" ? 201 : 204).end();
  };
}

const start = startForTest;
const open = (registry: ScriptedRegistry, options: RegistryClientOptions = {}) =>
  openForTest(registry.host, options);

function counting(content: () => Content = () => chunks(bytes)) {
  let opened = 0;
  const openContent: OpenContent = async () => {
    opened += 1;
    return content();
  };
  return { openContent, opened: () => opened };
}

async function* chunks(content: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += size)
    yield Uint8Array.from(content.subarray(at, at + size));
}

const put = (registry: ScriptedRegistry): SeenRequest | undefined =>
  registry.seen.find(({ method }) => method === "PUT");
const kinds = (events: readonly TransferEvent[]) =>
  events.map(({ kind }) => kind).filter((kind) => kind !== "request" && kind !== "progress");

test("a blob goes in one request of known length, its digest appended to the session's query", async () => {
  const registry = await start(uploading());
  const { target, events } = open(registry);
  await target.push(descriptor, counting().openContent, unstoppable);
  const request = put(registry);
  expect(request?.body).toEqual(bytes);
  expect(request?.headers["content-length"]).toBe("300000");
  expect(request?.headers["content-type"]).toBe("application/octet-stream");
  expect(request?.search).toBe(`?_state=a%2Bb&digest=${encodeURIComponent(descriptor.digest)}`);
  expect(kinds(events)).toEqual(["started", "finished"]);
  const sent = events.flatMap((event) => (event.kind === "progress" ? [event.bytes] : []));
  expect(sent.reduce((sum, n) => sum + n)).toBe(descriptor.size);
  expect(countOf(registry, "DELETE")).toBe(0);
});

test("an absolute location on another host is used, without the credentials", async () => {
  const storage = await start(uploading());
  const registry = await start((request, response) => {
    if (request.headers.authorization === undefined) {
      return response.writeHead(401, { "www-authenticate": "Basic realm=r" }).end();
    }
    if (request.method === "HEAD") return response.writeHead(404).end();
    return response.writeHead(202, { location: `http://${storage.host}/put?sig=1` }).end();
  });
  const auths = { [registry.host]: { username: "me", password: "secret" } };
  const { target } = open(registry, { env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
  await target.push(descriptor, counting().openContent, unstoppable);
  expect(put(storage)?.body).toEqual(bytes);
  expect(put(storage)?.headers.authorization).toBeUndefined();
});

describe("an upload that fails", () => {
  test.each<[string, Script]>([
    ["503", (_, response) => response.writeHead(503).end()],
    [
      "a lost session",
      (_, response) => sendJson(response, 404, registryError("BLOB_UPLOAD_UNKNOWN", "gone")),
    ],
    ["416", (_, response) => response.writeHead(416).end()],
    ["a reset connection", (_, response) => response.destroy()],
  ])("with %s begins a new session with the bytes it kept, and cancels the old session", async (_, fail) => {
    const registry = await start(
      uploading({
        PUT: (request, response) =>
          countOf(registry, "PUT") === 1 ? fail(request, response) : response.writeHead(201).end(),
      }),
    );
    const { target, events } = open(registry);
    const content = counting();
    await target.push(descriptor, content.openContent, unstoppable);
    expect(content.opened()).toBe(1);
    expect(countOf(registry, "POST")).toBe(2);
    expect(countOf(registry, "DELETE", `${uploads}1`)).toBe(1);
    expect(registry.seen.findLast(({ method }) => method === "PUT")?.body).toEqual(bytes);
    expect(kinds(events)).toEqual(["started", "retry", "finished"]);
  });

  test("with another 4xx is rejected in the registry's words, and its session cancelled", async () => {
    const registry = await start(
      uploading({
        PUT: (_, response) =>
          sendJson(response, 422, registryError("SIZE_INVALID_X", "too large", { limit: "5 GB" })),
      }),
    );
    await expect(
      open(registry).target.push(descriptor, counting().openContent, unstoppable),
    ).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      message: expect.stringMatching(/^target .*422 SIZE_INVALID_X too large \(\{"limit":"5 GB"\}\)$/),
    });
    expect(countOf(registry, "PUT")).toBe(1);
    expect(countOf(registry, "DELETE", `${uploads}1`)).toBe(1);
  });

  test("because the registry computes another digest is an integrity error", async () => {
    const registry = await start(
      uploading({ PUT: (_, response) => sendJson(response, 400, registryError("DIGEST_INVALID", "no")) }),
    );
    await expect(
      open(registry).target.push(descriptor, counting().openContent, unstoppable),
    ).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
  });

  test("because its source fails at the end never sends the last chunk, and throws the source's error", async () => {
    const failure = new Error("the digest is wrong");
    const registry = await start(uploading());
    const source = async function* () {
      yield* chunks(bytes);
      throw failure;
    };
    await expect(
      open(registry).target.push(descriptor, counting(source).openContent, unstoppable),
    ).rejects.toBe(failure);
    const received = put(registry)?.body.byteLength ?? 0;
    expect(received).toBeLessThan(descriptor.size);
    expect(countOf(registry, "POST")).toBe(1);
    await expect.poll(() => countOf(registry, "DELETE")).toBe(1);
  });

  test("because the registry stops taking bytes is given up", async () => {
    const big = sampleBlob(16 * 1024 * 1024);
    const registry = await start(uploading({ PUT: () => {} }), { body: "leave" });
    const { target } = open(registry, { timeoutMs: 300, retries: 0 });
    const content = counting(() => chunks(big.bytes));
    await expect(target.push(big.descriptor, content.openContent, unstoppable)).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("no progress for 0.3 s"),
    });
  });

  test("by an abort throws its reason, cancels the session and closes the connection", async () => {
    const registry = await start(uploading({ PUT: () => {} }), { body: "discard" });
    const { target, client } = open(registry);
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const pushing = target.push(descriptor, counting().openContent, { signal: controller.signal });
    await expect.poll(() => countOf(registry, "PUT")).toBe(1);
    controller.abort(reason);
    await expect(pushing).rejects.toBe(reason);
    expect(countOf(registry, "DELETE", `${uploads}1`)).toBe(1);
    await client.close();
    await expect.poll(() => registry.connections()).toBe(0);
  });
});

test("a registry that is slow to commit an upload is waited for", async () => {
  const registry = await start(
    uploading({ PUT: (_, response) => setTimeout(() => response.writeHead(201).end(), 700) }),
  );
  await open(registry, { timeoutMs: 200, retries: 0 }).target.push(
    descriptor,
    counting().openContent,
    unstoppable,
  );
  expect(countOf(registry, "PUT")).toBe(1);
});

test("a source that is slow is not a stalled upload", async () => {
  const registry = await start(uploading());
  const source = async function* () {
    yield bytes.subarray(0, 10);
    await new Promise((resolve) => setTimeout(resolve, 700));
    yield bytes.subarray(10);
  };
  const { target } = open(registry, { timeoutMs: 200, retries: 0 });
  await target.push(descriptor, counting(source).openContent, unstoppable);
  expect(put(registry)?.body).toEqual(bytes);
});

test("a token that expires before the upload ends is refreshed once, and the upload sent again", async () => {
  const registry = await start((request, response) => {
    if (request.path === "/token")
      return sendJson(response, 200, { token: `t${countOf(registry, "GET", "/token")}` });
    const expired = request.method === "PUT" && request.headers.authorization === "Bearer t1";
    if (request.headers.authorization === undefined || expired) {
      const challenge = `Bearer realm="http://${registry.host}/token",service="r"`;
      return response.writeHead(401, { "www-authenticate": challenge }).end();
    }
    return lenient(request, response);
  });
  const lenient = uploading();
  const content = counting();
  await open(registry).target.push(descriptor, content.openContent, unstoppable);
  expect(content.opened()).toBe(1);
  const puts = registry.seen.filter(({ method }) => method === "PUT");
  expect(puts.map(({ path }) => path)).toEqual([`${uploads}1`, `${uploads}1`]);
  expect(puts.at(-1)?.body).toEqual(bytes);
});

describe("a mount", () => {
  const from = (registry: ScriptedRegistry) => ({ registry: registry.host, repository: "team/base" });
  const answering = (status: number, headers: Record<string, string> = {}): Script => {
    const rest = uploading();
    return (request, response: ServerResponse) =>
      request.query.has("mount") ? response.writeHead(status, headers).end() : rest(request, response);
  };

  test("answered with 201 is done", async () => {
    const registry = await start(answering(201));
    const { target, events } = open(registry);
    expect(await target.mount(descriptor, from(registry), unstoppable)).toBe(true);
    expect(registry.seen[0]?.query.get("mount")).toBe(descriptor.digest);
    expect(registry.seen[0]?.query.get("from")).toBe("team/base");
    expect(kinds(events)).toEqual(["mounted"]);
  });

  test("answered with 202 is not done; the push goes through the session that it began", async () => {
    const registry = await start(answering(202, { location: `${uploads}mounted` }));
    const { target } = open(registry);
    expect(await target.mount(descriptor, from(registry), unstoppable)).toBe(false);
    await target.push(descriptor, counting().openContent, unstoppable);
    expect(put(registry)?.path).toBe(`${uploads}mounted`);
    expect(registry.seen.map(({ method }) => method)).toEqual(["POST", "PUT"]);
  });

  test("answered with 202 leaves no session behind when nothing is pushed", async () => {
    const registry = await start(answering(202, { location: `${uploads}mounted` }));
    const { target, client } = open(registry);
    await target.mount(descriptor, from(registry), unstoppable);
    await client.close();
    expect(countOf(registry, "DELETE", `${uploads}mounted`)).toBe(1);
  });

  test.each([404, 405, 400, 500])(
    "answered with %i is not done, and that registry is not asked again",
    async (status) => {
      const registry = await start(answering(status));
      const { target } = open(registry);
      expect(await target.mount(descriptor, from(registry), unstoppable)).toBe(false);
      const asked = registry.seen.length;
      expect(await target.mount(descriptor, from(registry), unstoppable)).toBe(false);
      expect(registry.seen).toHaveLength(asked);
      await target.push(descriptor, counting().openContent, unstoppable);
      expect(put(registry)?.path).toBe(`${uploads}1`);
    },
  );

  test("from another registry is not tried", async () => {
    const registry = await start(answering(201));
    const elsewhere = { registry: "registry.example", repository: "team/base" };
    expect(await open(registry).target.mount(descriptor, elsewhere, unstoppable)).toBe(false);
    expect(registry.seen).toHaveLength(0);
  });
});

test("a refusal while the source still waits leaves no timer behind", async () => {
  const timeoutMs = 54_321;
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => timers.mockRestore());
  const registry = await start(uploading({ PUT: (_, response) => response.writeHead(422).end() }), {
    body: "discard",
  });
  let release = (): void => {};
  const ended = new Promise<void>((resolve) => {
    release = resolve;
  });
  let lastIsAsked = (): void => {};
  const lagging = new Promise<void>((resolve) => {
    lastIsAsked = resolve;
  });
  const source = async function* () {
    yield bytes.subarray(0, 10);
    yield bytes.subarray(10, 20);
    lastIsAsked();
    await ended;
    yield bytes.subarray(20);
  };
  const pushing = open(registry, { timeoutMs, retries: 0 }).target.push(
    descriptor,
    counting(source).openContent,
    unstoppable,
  );
  pushing.catch(() => {});
  await lagging;
  await expect(pushing).rejects.toMatchObject({ code: "REGISTRY_REJECTED" });
  timers.mockClear();
  release();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const waits = timers.mock.calls.map(([, milliseconds]) => milliseconds);
  expect(waits.filter((ms) => ms === timeoutMs || ms === 10 * timeoutMs)).toEqual([]);
});

test("an abort while a session is being begun cancels the session", async () => {
  const controller = new AbortController();
  const rest = uploading();
  const registry = await start(
    uploading({
      POST: async (request, response) => {
        controller.abort(new Error("interrupted"));
        await new Promise((resolve) => setTimeout(resolve, 50));
        rest(request, response);
      },
    }),
  );
  const { target } = open(registry);
  const pushing = target.push(descriptor, counting().openContent, { signal: controller.signal });
  await expect(pushing).rejects.toThrow("interrupted");
  expect(registry.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `POST ${uploads}`,
    `DELETE ${uploads}1`,
  ]);
});

test("a page of HTML is no word of a registry's, whatever its status", async () => {
  const page: Script = (_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<html><title>Log in</title></html>");
  const portal = open(await start(page)).target;
  const refused = { code: "REGISTRY_REJECTED", message: expect.stringContaining("HTML page") };
  await expect(portal.exists(descriptor, unstoppable)).rejects.toMatchObject(refused);
  const manifest = { descriptor: { ...descriptor, mediaType: mediaTypes.oci.manifest }, bytes };
  await expect(portal.exists(manifest.descriptor, unstoppable)).rejects.toMatchObject(refused);
  await expect(portal.pushManifest(manifest, unstoppable)).rejects.toMatchObject(refused);
  await expect(portal.tag(manifest, "1", unstoppable)).rejects.toMatchObject(refused);
  const late = open(await start(uploading({ PUT: page }))).target;
  const pushing = late.push(descriptor, counting().openContent, unstoppable);
  await expect(pushing).rejects.toMatchObject(refused);
});

test("an empty answer that a server's default calls HTML is taken", async () => {
  const html = { "content-type": "text/html; charset=utf-8", "content-length": "0" };
  const registry = await start(uploading({ PUT: (_, response) => response.writeHead(201, html).end() }));
  const { target } = open(registry);
  await target.push(descriptor, counting().openContent, unstoppable);
  await target.pushManifest({ descriptor, bytes }, unstoppable);
});

test("two spellings of a registry's name are one origin to mount from", () => {
  const upper = openForTest("LOCALHOST:5000").target;
  expect(upper.mountOrigin).toEqual(openForTest("localhost:5000").target.mountOrigin);
});
