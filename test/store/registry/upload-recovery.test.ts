import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { OpenContent } from "../../../src/io/content.ts";
import type { RegistryClientOptions } from "../../../src/store/registry/client.ts";
import { openForTest, startForTest } from "./open-for-test.ts";
import { countOf, type Script, type SeenRequest, sampleBlob } from "./scripted-registry.ts";

const mebibyte = 1024 * 1024;
const { bytes, descriptor } = sampleBlob(5 * mebibyte + 17);
const { size } = descriptor;
const isWhole = (content: Buffer): boolean => content.equals(bytes);

interface Session {
  content: Buffer;
  steps: number;
}

/** What a {@link chunkedRegistry} does instead of its duty: `true` where it has seen to the request. */
type Intervention = (request: SeenRequest, response: ServerResponse, session: Session | undefined) => boolean;

/** A registry with chunked uploads. A session's location changes with every request that adds to it. */
function chunkedRegistry(intervene: Intervention, headers: Readonly<Record<string, string>> = {}) {
  const sessions = new Map<string, Session>();
  const stored: Buffer[] = [];
  const script: Script = (request, response) => {
    const { method, path, body } = request;
    const id = path.split("/").at(-1) ?? "";
    const session = sessions.get(id);
    if (intervene(request, response, session)) return;
    if (method === "POST") {
      const name = `s${sessions.size + 1}`;
      sessions.set(name, { content: Buffer.alloc(0), steps: 0 });
      return response.writeHead(202, { location: `${path}${name}?step=0`, ...headers }).end();
    }
    if (session === undefined) return response.writeHead(404).end();
    if (method === "DELETE") return response.writeHead(204).end();
    const range = request.headers["content-range"];
    if (range !== undefined && Number(range.split("-")[0]) !== session.content.byteLength)
      return response.writeHead(416).end();
    session.content = Buffer.concat([session.content, body]);
    if (method === "PUT") {
      stored.push(session.content);
      return response.writeHead(201).end();
    }
    session.steps += 1;
    const location = `${path}?step=${session.steps}`;
    const received = `0-${Math.max(0, session.content.byteLength - 1)}`;
    return response.writeHead(method === "GET" ? 204 : 202, { location, range: received }).end();
  };
  return { script, stored };
}

/** Breaks the connection; so much of the body has arrived. */
function cut({ body }: SeenRequest, response: ServerResponse, session?: Session, arrived = 0): true {
  if (session !== undefined) session.content = Buffer.concat([session.content, body.subarray(0, arrived)]);
  response.destroy();
  return true;
}

/** True for so many requests with this method. */
function first(times: number, method: string) {
  let left = times;
  return (request: SeenRequest): boolean => request.method === method && left-- > 0;
}

const answer = (response: ServerResponse, status: number, headers: Record<string, string> = {}): true => {
  response.writeHead(status, headers).end();
  return true;
};

function source() {
  let opened = 0;
  const open: OpenContent = async () => {
    opened += 1;
    return (async function* () {
      for (let at = 0; at < size; at += 100_000) yield bytes.subarray(at, at + 100_000);
    })();
  };
  return { open, opened: () => opened };
}

async function push({ script }: ReturnType<typeof chunkedRegistry>, options: RegistryClientOptions = {}) {
  const registry = await startForTest(script);
  const { target, events } = openForTest(registry.host, options);
  const content = source();
  await target.push(descriptor, content.open, unstoppable);
  const parts = registry.seen
    .filter(({ method }) => method === "PATCH" || method === "PUT")
    .map(({ method, headers, body }) => `${method} ${headers["content-range"] ?? ""} ${body.byteLength}`);
  return { registry, target, events, parts, opened: content.opened() };
}

describe("an upload whose connection was lost", () => {
  test("goes on where the registry says it is, by PATCH at the newest location", async () => {
    const isLostPut = first(1, "PUT");
    const isLostPatch = first(1, "PATCH");
    const chunked = chunkedRegistry((request, response, session) => {
      if (isLostPut(request)) return cut(request, response, session, 3 * mebibyte);
      return isLostPatch(request) && cut(request, response, session, mebibyte);
    });
    const { registry, parts, opened } = await push(chunked);
    expect(chunked.stored.map(isWhole)).toEqual([true]);
    expect(opened).toBe(1);
    expect(parts).toEqual([
      `PUT  ${size}`,
      `PATCH ${3 * mebibyte}-${size - 1} ${size - 3 * mebibyte}`,
      `PATCH ${4 * mebibyte}-${size - 1} ${size - 4 * mebibyte}`,
      "PUT  0",
    ]);
    expect(countOf(registry, "POST")).toBe(1);
    expect(countOf(registry, "DELETE")).toBe(0);
    const put = registry.seen.findLast(({ method }) => method === "PUT");
    expect(put?.search).toMatch(/^\?step=3&digest=/);
  });

  test("begins anew, in parts of 4 MiB, at a registry that does not say", async () => {
    const isLost = first(1, "PUT");
    const chunked = chunkedRegistry((request, response) => {
      if (request.method === "GET") return answer(response, 404);
      return isLost(request) && cut(request, response);
    });
    const { registry, parts, opened } = await push(chunked);
    expect(chunked.stored.map(isWhole)).toEqual([true]);
    expect(parts).toEqual([
      `PUT  ${size}`,
      `PATCH 0-${4 * mebibyte - 1} ${4 * mebibyte}`,
      `PATCH ${4 * mebibyte}-${size - 1} ${size - 4 * mebibyte}`,
      "PUT  0",
    ]);
    expect(opened).toBe(1);
    expect(countOf(registry, "DELETE")).toBe(1);
  });

  test("is one request again at a registry that has no chunks", async () => {
    const isLost = first(1, "PUT");
    const chunked = chunkedRegistry((request, response) => {
      if (["GET", "PATCH"].includes(request.method)) return answer(response, 405);
      return isLost(request) && cut(request, response);
    });
    const { parts } = await push(chunked);
    expect(chunked.stored.map(isWhole)).toEqual([true]);
    expect(parts.map((part) => part.split(" ")[0])).toEqual(["PUT", "PATCH", "PUT"]);
  });

  test("is done when the registry has the blob and only its answer was lost", async () => {
    const isLost = first(1, "PUT");
    const chunked = chunkedRegistry((request, response) => {
      if (request.method === "GET") return answer(response, 404);
      if (request.method === "HEAD") return answer(response, 200, { "content-length": String(size) });
      return isLost(request) && cut(request, response);
    });
    expect((await push(chunked)).parts).toEqual([`PUT  ${size}`]);
  });

  test.each(["0-0", "0-99999999", "5-10", "nonsense"])(
    "is not taken up where the registry says %s",
    async (range) => {
      const isLost = first(1, "PUT");
      const chunked = chunkedRegistry((request, response) => {
        if (request.method === "GET") return answer(response, 204, { range });
        return isLost(request) && cut(request, response);
      });
      const { registry } = await push(chunked);
      expect(chunked.stored.map(isWhole)).toEqual([true]);
      expect(countOf(registry, "POST")).toBe(2);
    },
  );

  test("asks again where to go on when it is told 416", async () => {
    const isLost = first(1, "PUT");
    const isRefused = first(1, "PATCH");
    const chunked = chunkedRegistry((request, response, session) => {
      if (isLost(request)) return cut(request, response, session, 2 * mebibyte);
      return isRefused(request) && answer(response, 416);
    });
    const { registry } = await push(chunked);
    expect(chunked.stored.map(isWhole)).toEqual([true]);
    expect(countOf(registry, "POST")).toBe(1);
    expect(countOf(registry, "GET")).toBe(2);
  });

  test("has all its retries again once it has got further than ever", async () => {
    const isLostPut = first(1, "PUT");
    const isLostPatch = first(3, "PATCH");
    const chunked = chunkedRegistry((request, response, session) => {
      if (isLostPut(request)) return cut(request, response, session, mebibyte);
      return isLostPatch(request) && cut(request, response, session, mebibyte);
    });
    const { events } = await push(chunked, { retries: 1 });
    expect(chunked.stored.map(isWhole)).toEqual([true]);
    const attempts = events.flatMap((event) => (event.kind === "retry" ? [event.attempt] : []));
    expect(attempts).toEqual([1, 1, 1, 1]);
  });

  test("is given up when every session dies at the same place", async () => {
    const chunked = chunkedRegistry((request, response) => {
      const { method, headers } = request;
      if (method === "GET") return answer(response, 404);
      if (method === "HEAD") return answer(response, 404);
      const isLate = headers["content-range"]?.startsWith("0-") === false;
      return (method === "PUT" || isLate) && cut(request, response);
    });
    await expect(push(chunked, { retries: 2 })).rejects.toMatchObject({ code: "NETWORK" });
  });
});

describe("a registry that takes no more than so much at once", () => {
  const limited = (limit: number, headers: Readonly<Record<string, string>> = {}) =>
    chunkedRegistry(({ body }, response) => {
      if (body.byteLength <= limit) return false;
      response.writeHead(413).end("<title>Request Entity Too Large</title>");
      return true;
    }, headers);

  test("gets the blob in parts it takes, and the next blobs, too", async () => {
    const chunked = limited(mebibyte);
    const { parts, target, registry } = await push(chunked, { retries: 0 });
    expect(chunked.stored.map(isWhole)).toEqual([true]);
    expect(parts.slice(0, 3)).toEqual([
      `PUT  ${size}`,
      `PATCH 0-${4 * mebibyte - 1} ${4 * mebibyte}`,
      `PATCH 0-${mebibyte - 1} ${mebibyte}`,
    ]);
    const before = registry.seen.length;
    await target.push(descriptor, source().open, unstoppable);
    expect(registry.seen.slice(before).filter(({ body }) => body.byteLength > mebibyte)).toEqual([]);
    expect(chunked.stored.map(isWhole)).toEqual([true, true]);
  });

  test("and no less than so much gets parts of that size", async () => {
    const chunked = limited(4 * mebibyte, { "oci-chunk-min-length": String(3 * mebibyte) });
    expect((await push(chunked)).parts[1]).toBe(`PATCH 0-${4 * mebibyte - 1} ${4 * mebibyte}`);
    const narrow = limited(mebibyte, { "oci-chunk-min-length": String(3 * mebibyte) });
    await expect(push(narrow)).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      message: expect.stringContaining("413"),
    });
  });

  test("and takes not even the smallest parts is rejected in its words", async () => {
    await expect(push(limited(1000))).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      message: expect.stringContaining("413 Request Entity Too Large"),
    });
  });
});
