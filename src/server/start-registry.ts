import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Call } from "../io/call.ts";
import { errnoOf } from "../io/local-error.ts";
import { ComposeImageError } from "../model/errors.ts";
import { dispatch } from "./dispatch.ts";
import { type OpenContent, openContent, type RegistryPlace } from "./open-content.ts";
import { Refusal, sendRefusal } from "./refusal.ts";
import { parseRoute } from "./route.ts";

/** One request as it ended. */
export interface RequestEvent {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  /** The status sent; 499 when the client left before there was one. */
  readonly status: number;
  /** Milliseconds. */
  readonly ms: number;
  /** Why the server could not do its part; for the operator alone, it may hold paths. */
  readonly fault?: unknown;
}

/** What is served, and how. */
export type RegistryOptions = RegistryPlace & ServingOptions;

/** How a registry takes requests. */
export interface ServingOptions {
  /** Address to listen on, such as `127.0.0.1` or `::`. */
  readonly host: string;
  /** Port; 0 takes a free one. */
  readonly port: number;
  /** Told of every request; must not throw. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Milliseconds that running requests get to finish when the registry closes; default 10 000. */
  readonly closeWithin?: number;
  /** Milliseconds after which an upload that nobody goes on with is discarded; default one hour. */
  readonly uploadLifetime?: number;
  /** Milliseconds that a connection may be silent, within a request or between two; default five minutes. */
  readonly silence?: number;
}

/** A registry that takes requests. */
export interface RunningRegistry {
  /** `http://host:port` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /**
   * Takes no more connections, lets running requests finish for a bounded time, cuts what is left, and removes the
   * temporary files of unfinished uploads.
   */
  close(): Promise<void>;
}

/** How long a connection may be silent, how long it is kept between requests, and how long headers may take. */
const defaultSilence = 300_000;
const keepAlive = 60_000;
const headersWithin = 60_000;

/**
 * Serves an OCI image layout, or an archive, as a registry over plain HTTP.
 *
 * An entry of `index.json` whose ref.name is `repository:tag` is that repository's tag. A manifest pushed by digest
 * gets an entry with the annotation `io.github.compose-image.repository`. Entries that name no repository, such as
 * skopeo and umoci write, are in the repository that the directory's name gives. A blob is in the repositories whose
 * manifests refer to it, and in those that it was uploaded or mounted into since the server started.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 * @throws ComposeImageError what `openContent` throws; `LOCAL_IO` when the address cannot be listened on.
 */
export async function startRegistry(options: RegistryOptions, call: Call): Promise<RunningRegistry> {
  const { silence = defaultSilence } = options;
  const opened = await openContent(options, options.uploadLifetime, call);
  const running = new Set<Promise<void>>();
  let closing = false;
  const server = createServer((request, response) => {
    const done = answer(opened, request, response, options).finally(() => {
      running.delete(done);
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    running.add(done);
  });
  server.requestTimeout = 0;
  server.headersTimeout = headersWithin;
  server.keepAliveTimeout = Math.min(keepAlive, silence);
  server.timeout = silence;
  try {
    await listen(server, options);
  } catch (error) {
    await opened.close();
    throw error;
  }
  const { address, port } = server.address() as AddressInfo;
  const closeAll = async (): Promise<void> => {
    closing = true;
    const closed = once(server, "close");
    server.close();
    const cut = setTimeout(() => server.closeAllConnections(), options.closeWithin ?? 10_000);
    await closed;
    clearTimeout(cut);
    await Promise.all(running);
    await opened.close();
  };
  let closed: Promise<void> | undefined;
  return {
    url: `http://${address.includes(":") ? `[${address}]` : address}:${port}`,
    host: address,
    port,
    close() {
      closed ??= closeAll();
      return closed;
    },
  };
}

async function listen(server: Server, options: RegistryOptions): Promise<void> {
  const { host, port } = options;
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    throw new ComposeImageError("LOCAL_IO", `cannot listen on ${host} port ${port}: ${errnoOf(cause)}`, {
      hint: "Choose another port, or 0 for any that is free.",
      cause,
    });
  }
}

/** Never rejects. */
async function answer(
  { content, writable }: OpenContent,
  request: IncomingMessage,
  response: ServerResponse,
  options: RegistryOptions,
): Promise<void> {
  const begin = performance.now();
  const { method = "", url = "/" } = request;
  const aborted = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) aborted.abort(new Error("the client went away"));
  });
  response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
  let fault: unknown;
  try {
    const mark = url.indexOf("?");
    const route = parseRoute(mark < 0 ? url : url.slice(0, mark));
    const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
    const exchange = { request, response, query, call: { signal: aborted.signal } };
    await dispatch(content, route, exchange, writable);
  } catch (error) {
    if (!(error instanceof Refusal) && !aborted.signal.aborted) fault = error;
    sendFailure(response, error);
  }
  // what nobody read of the body has to go by before the connection can bring another request
  request.resume();
  options.onRequest?.({
    method,
    url,
    status: response.headersSent ? response.statusCode : 499,
    ms: performance.now() - begin,
    ...(fault !== undefined && { fault }),
  });
}

/** Sends a refusal as it is. Of any other failure only its kind: its message may hold paths. */
function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isFull = error instanceof ComposeImageError && error.code === "DISK_FULL";
  const failure = isFull
    ? new Refusal(507, "UNKNOWN", "the registry's disk is full")
    : new Refusal(500, "UNKNOWN", "the registry failed; its log says why");
  sendRefusal(response, error instanceof Refusal ? error : failure);
}
