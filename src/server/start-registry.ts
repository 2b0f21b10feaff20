import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Call } from "../io/call.ts";
import { errnoOf } from "../io/local-error.ts";
import { ComposeImageError } from "../model/errors.ts";
import { openLayout } from "../store/layout/open-layout.ts";
import { dispatch } from "./dispatch.ts";
import type { RegistryContent } from "./exchange.ts";
import { Refusal, sendRefusal } from "./refusal.ts";
import { Repositories } from "./repositories.ts";
import { parseRoute } from "./route.ts";
import { UploadSessions } from "./upload-sessions.ts";

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

/** Options of {@link startRegistry}. */
export interface RegistryOptions {
  /** An OCI image layout. With `writable` it is made if it is missing. */
  readonly directory: string;
  /** Whether clients may push and delete. There is no authentication: whoever reaches the port may. */
  readonly writable: boolean;
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

/** How long, in milliseconds, a connection may be silent. */
const silence = 300_000;

/**
 * Serves an OCI image layout as a registry over plain HTTP.
 *
 * An entry of `index.json` whose ref.name is `repository:tag` is that repository's tag. A manifest pushed by digest
 * gets an entry with the annotation `io.github.compose-image.repository`. Entries that name no repository, such as
 * skopeo and umoci write, are in the repository that the directory's name gives. A blob is in the repositories whose
 * manifests refer to it, and in those that it was uploaded or mounted into since the server started.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 * @throws ComposeImageError `LAYOUT_INVALID`; `LOCAL_IO` when the address cannot be listened on.
 */
export async function startRegistry(options: RegistryOptions, call: Call): Promise<RunningRegistry> {
  const { directory, writable } = options;
  const layout = await openLayout(directory, { create: writable, followSymlinks: false }, call);
  const uploads = new UploadSessions(layout.blobs, options.uploadLifetime);
  const content: RegistryContent = { layout, repositories: new Repositories(layout), uploads };
  const running = new Set<Promise<void>>();
  let closing = false;
  const server = createServer((request, response) => {
    const done = answer(content, request, response, options).finally(() => {
      running.delete(done);
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    running.add(done);
  });
  server.requestTimeout = 0;
  server.headersTimeout = 60_000;
  server.keepAliveTimeout = 60_000;
  server.timeout = silence;
  try {
    await listen(server, options);
  } catch (error) {
    await uploads.close();
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
    await uploads.close();
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
  content: RegistryContent,
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
    await dispatch(content, route, exchange, options.writable);
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
