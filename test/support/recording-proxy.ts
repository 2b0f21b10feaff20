import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it passed through the proxy; complete once `finished`. */
export interface Exchange {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestHeaders: IncomingHttpHeaders;
  /** The request's `Range` header. */
  readonly range: string | undefined;
  /** Body bytes received from the client. */
  requestBytes: number;
  /** Body bytes handed to the client. */
  responseBytes: number;
  /** The status the client got; undefined when it got none. */
  status: number | undefined;
  /** The registry's answer ended and was passed on whole. */
  finished: boolean;
}

/** What the proxy does to a request instead of passing it on. */
export type Fault =
  /** Answers by itself; the registry never sees the request, whose body is read to its end. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** Passes the request on and resets the connection after so many bytes of the answer's body. */
  | { readonly kind: "cut-response"; readonly afterBytes: number }
  /** Resets the connection after so many bytes of the request's body. */
  | { readonly kind: "cut-request"; readonly afterBytes: number }
  /** Passes on so many bytes of the answer's body, then nothing, with the connection left open. */
  | { readonly kind: "stall-response"; readonly afterBytes: number }
  /** Waits before it passes the request on. */
  | { readonly kind: "hold"; readonly until: Promise<unknown> };

/** A reverse proxy in front of a registry. */
export interface RecordingProxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
  /** Every request since the start or the last `forget()`, in order of arrival. */
  readonly exchanges: readonly Exchange[];
  forget(): void;
  /** Decides for each request whether a fault befalls it; `undefined` (the default) passes all. */
  fault: ((exchange: Exchange) => Fault | undefined) | undefined;
  /** Resolves when a request that matches arrives; for interrupting at a known point. */
  seen(matches: (exchange: Exchange) => boolean): Promise<Exchange>;
  /** Ends it, and every connection through it. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy on a free loopback port that passes requests on to a registry, records them, and rewrites `Location`
 * headers that point at the registry to itself, so that whole uploads come through it.
 *
 * @param upstream `http://127.0.0.1:PORT`
 */
export async function startRecordingProxy(upstream: string): Promise<RecordingProxy> {
  const exchanges: Exchange[] = [];
  const watchers = new Set<(exchange: Exchange) => void>();
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const exchange = exchangeOf(incoming);
    exchanges.push(exchange);
    for (const watcher of watchers) watcher(exchange);
    incoming.on("data", (chunk: Buffer) => {
      exchange.requestBytes += chunk.byteLength;
    });
    incoming.pause();
    const fault = proxy.fault?.(exchange);
    if (fault?.kind === "answer") answer(fault, exchange, incoming, outgoing);
    else if (fault?.kind === "hold") {
      fault.until
        .then(() => forward(exchange, incoming, outgoing, undefined))
        .catch(() => outgoing.destroy());
    } else forward(exchange, incoming, outgoing, fault);
  });
  server.requestTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  function forward(
    exchange: Exchange,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    fault: Exclude<Fault, { kind: "answer" | "hold" }> | undefined,
  ): void {
    const onward = request(new URL(incoming.url ?? "/", upstream), {
      method: incoming.method ?? "GET",
      headers: { ...incoming.headers, host: new URL(upstream).host },
      agent,
    });
    onward.once("error", () => outgoing.destroy());
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) onward.destroy();
    });
    incoming.on("data", (chunk: Buffer) => {
      if (fault?.kind === "cut-request" && exchange.requestBytes > fault.afterBytes) {
        onward.destroy();
        incoming.socket.resetAndDestroy();
      } else if (!onward.write(chunk)) {
        incoming.pause();
        onward.once("drain", () => incoming.resume());
      }
    });
    incoming.once("end", () => onward.end());
    incoming.resume();
    onward.once("response", (response) => {
      exchange.status = response.statusCode;
      const headers = { ...response.headers };
      if (headers.location?.startsWith(upstream)) {
        headers.location = `http://${host}${headers.location.slice(upstream.length)}`;
      }
      outgoing.writeHead(response.statusCode ?? 502, headers);
      outgoing.flushHeaders();
      let whole = true;
      response.on("data", (chunk: Buffer) => {
        const limit = fault !== undefined && "afterBytes" in fault && fault.kind !== "cut-request";
        const rest = limit ? fault.afterBytes - exchange.responseBytes : Number.POSITIVE_INFINITY;
        const passed = chunk.byteLength > rest ? chunk.subarray(0, Math.max(rest, 0)) : chunk;
        exchange.responseBytes += passed.byteLength;
        const roomy = outgoing.write(passed);
        if (passed.byteLength < chunk.byteLength) {
          whole = false;
          response.pause();
          if (fault?.kind === "cut-response") setImmediate(() => incoming.socket.resetAndDestroy());
        } else if (!roomy) {
          response.pause();
          outgoing.once("drain", () => response.resume());
        }
      });
      response.once("end", () => {
        if (!whole) return;
        outgoing.once("finish", () => {
          exchange.finished = true;
        });
        outgoing.end();
      });
      response.once("error", () => outgoing.destroy());
    });
  }

  const proxy: RecordingProxy = {
    host,
    url: `http://${host}`,
    exchanges,
    forget: () => {
      exchanges.length = 0;
    },
    fault: undefined,
    seen: (matches) =>
      new Promise((resolve) => {
        const watcher = (exchange: Exchange) => {
          if (!matches(exchange)) return;
          watchers.delete(watcher);
          resolve(exchange);
        };
        watchers.add(watcher);
      }),
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}

function exchangeOf(incoming: IncomingMessage): Exchange {
  const url = new URL(incoming.url ?? "/", "http://proxy");
  return {
    method: incoming.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    requestHeaders: incoming.headers,
    range: incoming.headers.range,
    requestBytes: 0,
    responseBytes: 0,
    status: undefined,
    finished: false,
  };
}

function answer(
  fault: Extract<Fault, { kind: "answer" }>,
  exchange: Exchange,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  incoming.once("end", () => {
    const body = Buffer.from(fault.body ?? "");
    exchange.status = fault.status;
    exchange.responseBytes = incoming.method === "HEAD" ? 0 : body.byteLength;
    outgoing.writeHead(fault.status, { "content-length": body.byteLength, ...fault.headers });
    outgoing.end(body, () => {
      exchange.finished = true;
    });
  });
  incoming.resume();
}
