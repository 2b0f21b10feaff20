import { once } from "node:events";
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Alteration, alteredHeaders, type Fault, overLine, type PassedFault } from "./proxy-fault.ts";

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
  /** Resolves when the bodies of all requests since the last `forget()` come to so many bytes. */
  received(bytes: number): Promise<void>;
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
  let received = 0;
  const marks = new Set<{ readonly bytes: number; readonly reach: () => void }>();
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const exchange = exchangeOf(incoming);
    exchanges.push(exchange);
    for (const watcher of watchers) watcher(exchange);
    incoming.on("data", (chunk: Buffer) => {
      exchange.requestBytes += chunk.byteLength;
      received += chunk.byteLength;
      for (const mark of marks) if (received >= mark.bytes && marks.delete(mark)) mark.reach();
    });
    incoming.pause();
    const fault = proxy.fault?.(exchange);
    if (fault?.kind === "answer") answer(fault, exchange, incoming, outgoing);
    else if (fault?.kind === "reset") incoming.socket.resetAndDestroy();
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
    fault: PassedFault | undefined,
  ): void {
    const changes: Alteration = fault?.kind === "alter" ? fault : {};
    const asked = incoming.url ?? "/";
    const onward = request(new URL(changes.path?.(asked) ?? asked, upstream), {
      method: incoming.method ?? "GET",
      headers: { ...alteredHeaders(incoming.headers, changes.request), host: new URL(upstream).host },
      agent,
    });
    onward.once("error", () => {
      if (fault?.kind !== "stall-request") outgoing.destroy();
    });
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) onward.destroy();
    });
    passRequest(exchange, incoming, onward, fault);
    onward.once("response", (response) => {
      if (fault?.kind === "cut-response" && fault.afterBytes === 0) {
        response.resume().once("end", () => incoming.socket.resetAndDestroy());
        return;
      }
      const { location } = response.headers;
      if (location?.startsWith(upstream)) {
        response.headers.location = `http://${host}${location.slice(upstream.length)}`;
      }
      const pass = (): void => {
        exchange.status = changes.status ?? response.statusCode;
        outgoing.writeHead(exchange.status ?? 502, alteredHeaders(response.headers, changes.headers));
        outgoing.flushHeaders();
        passResponse(exchange, response, outgoing, incoming.socket, fault);
      };
      if (changes.delayMs === undefined) pass();
      else setTimeout(pass, changes.delayMs);
    });
  }

  const proxy: RecordingProxy = {
    host,
    url: `http://${host}`,
    exchanges,
    forget: () => {
      exchanges.length = 0;
      received = 0;
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
    received: (bytes) =>
      new Promise((reach) => {
        marks.add({ bytes, reach });
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

/** Milliseconds that the registry has to take what was passed on, before the connection is cut. */
const takingMs = 100;

function passRequest(
  exchange: Exchange,
  incoming: IncomingMessage,
  onward: ClientRequest,
  fault: PassedFault | undefined,
): void {
  incoming.on("data", (chunk: Buffer) => {
    const before = exchange.requestBytes - chunk.byteLength;
    const limit = requestLimit(fault) - before;
    const line = overLine(incoming.socket, chunk.byteLength, fault?.kind === "line" ? fault : {});
    const passed = chunk.subarray(0, Math.max(0, Math.min(limit, line.passed)));
    const roomy = passed.byteLength === 0 || onward.write(passed);
    if (passed.byteLength < chunk.byteLength) {
      incoming.pause();
      // a connection that nobody reads from does not tell when it is closed: so the registry's ends at once
      if (fault?.kind === "stall-request") onward.destroy();
      else setTimeout(() => incoming.socket.resetAndDestroy(), takingMs);
    } else if (line.ms >= 1) {
      incoming.pause();
      setTimeout(() => incoming.resume(), line.ms);
    } else if (!roomy) {
      incoming.pause();
      onward.once("drain", () => incoming.resume());
    }
  });
  incoming.once("end", () => onward.end());
  incoming.resume();
}

function requestLimit(fault: PassedFault | undefined): number {
  const isLimit = fault?.kind === "cut-request" || fault?.kind === "stall-request";
  return isLimit ? fault.afterBytes : Number.POSITIVE_INFINITY;
}

function passResponse(
  exchange: Exchange,
  response: IncomingMessage,
  outgoing: ServerResponse,
  socket: Socket,
  fault: PassedFault | undefined,
): void {
  let whole = true;
  let at = 0;
  response.on("data", (came: Buffer) => {
    const chunk = fault?.kind === "alter" ? (fault.body?.(came, at) ?? came) : came;
    at += came.byteLength;
    const limit = responseLimit(fault) - exchange.responseBytes;
    const line = overLine(socket, chunk.byteLength, fault?.kind === "line" ? fault : {});
    const passed = chunk.subarray(0, Math.max(0, Math.min(limit, line.passed)));
    exchange.responseBytes += passed.byteLength;
    const roomy = outgoing.write(passed);
    if (passed.byteLength < chunk.byteLength) {
      whole = false;
      response.pause();
      if (fault?.kind !== "stall-response") setImmediate(() => socket.resetAndDestroy());
    } else if (line.ms >= 1) {
      response.pause();
      setTimeout(() => response.resume(), line.ms);
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
}

function responseLimit(fault: PassedFault | undefined): number {
  const isLimit = fault?.kind === "cut-response" || fault?.kind === "stall-response";
  return isLimit ? fault.afterBytes : Number.POSITIVE_INFINITY;
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
    outgoing.once("finish", () => {
      exchange.finished = true;
    });
    outgoing.end(body);
  });
  incoming.resume();
}
