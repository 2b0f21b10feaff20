import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { digestOf } from "../../../src/model/digest.ts";

/** A registry of blobs that counts what is under way. */
export interface CountingRegistry {
  readonly host: string;
  /** By digest. */
  readonly blobs: Map<string, Buffer>;
  /** Most requests that were under way at once. */
  readonly most: { reads: number; writes: number };
  /** Every request, in order of arrival, but the probe of `/v2/`. */
  readonly seen: string[];
  /** Answers in the registry's place, where it gives `true`. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/**
 * Starts a registry on loopback that ends with the test. A request is under way from its head's arrival until just before
 * its answer's last byte is sent, so that a client which asks one thing after the other is never seen to ask two.
 */
export async function startCountingRegistry(): Promise<CountingRegistry> {
  const now = { reads: 0, writes: 0 };
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    if (url === "/v2/") {
      response.end();
      return;
    }
    registry.seen.push(`${method} ${url}`);
    if (registry.intercept(request, response)) return;
    const kind = method === "GET" || method === "HEAD" ? "reads" : "writes";
    now[kind] += 1;
    registry.most[kind] = Math.max(registry.most[kind], now[kind]);
    let isOver = false;
    const end = (): void => {
      if (!isOver) now[kind] -= 1;
      isOver = true;
    };
    response.once("close", end);
    await answer(request, response, end);
  });
  const registry: CountingRegistry = {
    host: "",
    blobs: new Map(),
    most: { reads: 0, writes: 0 },
    seen: [],
    intercept: () => false,
  };

  async function answer(request: IncomingMessage, response: ServerResponse, end: () => void): Promise<void> {
    const { method = "", url = "" } = request;
    const body: Buffer[] = [];
    try {
      for await (const chunk of request) body.push(chunk as Buffer);
    } catch {
      return;
    }
    await sleep(2);
    const digest = decodeURIComponent(/sha256(?::|%3A)[0-9a-f]{64}/.exec(url)?.[0] ?? "");
    const blob = registry.blobs.get(digest);
    if (method === "POST") response.writeHead(202, { location: "/upload" });
    else if (method === "PUT") {
      const bytes = Buffer.concat(body);
      registry.blobs.set(digestOf(bytes), bytes);
      response.writeHead(201);
    } else if (blob === undefined) response.writeHead(404);
    else {
      response.writeHead(200, { "content-length": blob.byteLength });
      const middle = Math.floor(blob.byteLength / 2);
      if (method === "GET") {
        response.write(blob.subarray(0, middle));
        await sleep(2);
        end();
        response.end(blob.subarray(middle));
        return;
      }
    }
    end();
    response.end();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return Object.assign(registry, { host: `127.0.0.1:${(server.address() as AddressInfo).port}` });
}
