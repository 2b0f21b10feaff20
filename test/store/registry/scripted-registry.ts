import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Descriptor } from "../../../src/model/descriptor.ts";
import { digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";

/** A request as it came, its body read. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly search: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers a request; what it leaves open stays open. */
export type Script = (request: SeenRequest, response: ServerResponse) => unknown;

/** A server on loopback that does what a test says. */
export interface ScriptedRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Every request but the probe of `/v2/`. */
  readonly seen: SeenRequest[];
  /** Connections open now. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** How many requests with this method and, if given, path came. */
export function countOf(registry: ScriptedRegistry, method: string, path?: string): number {
  return registry.seen.filter((seen) => seen.method === method && (path === undefined || seen.path === path))
    .length;
}

/** Starts a server that answers by the script; `GET /v2/` is answered with 200 unless `probe` does it. */
export async function startScriptedRegistry(
  script: Script,
  options: { probe?: Script; body?: "read" | "discard" | "leave" } = {},
) {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const chunks: Buffer[] = [];
    if (options.body === "discard") request.resume();
    if ((options.body ?? "read") === "read") {
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
      } catch {
        // the client went away; what it sent counts
      }
    }
    const record: SeenRequest = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      search: url.search,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    if (url.pathname === "/v2/") {
      if (options.probe === undefined) response.end();
      else await options.probe(record, response);
      return;
    }
    seen.push(record);
    await script(record, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const registry: ScriptedRegistry = {
    host: `127.0.0.1:${port}`,
    seen,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return registry;
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** An error in the form of the distribution spec. */
export function registryError(code: string, message: string, detail?: unknown): unknown {
  return { errors: [{ code, message, detail }] };
}

/** Bytes that are the same in every run, and their descriptor. */
export function sampleBlob(
  size: number,
  seed = 1,
): { readonly bytes: Buffer; readonly descriptor: Descriptor } {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let at = 0; at < size; at += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes[at] = state >>> 16;
  }
  return { bytes, descriptor: { mediaType: mediaTypes.oci.layer, digest: digestOf(bytes), size } };
}
