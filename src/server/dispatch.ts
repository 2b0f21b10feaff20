import { deleteBlob, getBlob } from "./blobs.ts";
import type { Exchange, RegistryContent, WritableContent } from "./exchange.ts";
import { getCatalog, getReferrers, getTags } from "./lists.ts";
import { deleteManifest, getManifest, putManifest } from "./manifests.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import { sendJson } from "./send.ts";
import type { UploadSession } from "./upload-sessions.ts";
import { appendUpload, cancelUpload, finishUpload, getUpload, startUpload } from "./uploads.ts";

type Handler = () => void | Promise<void>;
type Handlers = Readonly<Record<string, Handler>>;

/**
 * Runs the endpoint that a route and a method name.
 *
 * @param writable what methods that write work on; `undefined` where they are not allowed.
 * @throws Refusal `UNSUPPORTED` (405) for a method the endpoint does not have, and what the endpoint refuses.
 */
export async function dispatch(
  content: RegistryContent,
  route: Route,
  exchange: Exchange,
  writable: WritableContent | undefined,
): Promise<void> {
  const reads = readHandlers(content, route, exchange);
  const refuse = (message: string, allowed: Handlers): never => {
    throw new Refusal(405, "UNSUPPORTED", message, { headers: { Allow: Object.keys(allowed).join(", ") } });
  };
  const writes = writeHandlers(
    route,
    exchange,
    () => writable ?? refuse("this registry is read-only", reads),
  );
  const method = exchange.request.method ?? "";
  const handler = reads[method] ?? writes[method];
  if (handler !== undefined) return handler();
  refuse("this endpoint does not have this method", writable === undefined ? reads : { ...reads, ...writes });
}

function readHandlers(content: RegistryContent, route: Route, exchange: Exchange): Handlers {
  switch (route.kind) {
    case "base":
      return forReading(() => sendJson(exchange.response, 200, {}));
    case "catalog":
      return forReading(() => getCatalog(content, exchange));
    case "tags":
      return forReading(() => getTags(content, route.repository, exchange));
    case "referrers":
      return forReading(() => getReferrers(content, route.repository, route.digest, exchange));
    case "manifest":
      return forReading(() => getManifest(content, route.repository, route.reference, exchange));
    case "blob":
      return forReading(() => getBlob(content, route.repository, route.digest, exchange));
    case "uploads":
    case "upload":
      return {};
  }
}

function writeHandlers(route: Route, exchange: Exchange, writable: () => WritableContent): Handlers {
  switch (route.kind) {
    case "manifest": {
      const { repository, reference } = route;
      return {
        PUT: () => putManifest(writable(), repository, reference, exchange),
        DELETE: () => deleteManifest(writable(), repository, reference, exchange),
      };
    }
    case "blob":
      return { DELETE: () => deleteBlob(writable(), route.repository, route.digest, exchange) };
    case "uploads":
      return { POST: () => startUpload(writable(), route.repository, exchange) };
    case "upload": {
      const session = (): UploadSession => requireSession(writable(), route.repository, route.session);
      return {
        GET: () => getUpload(session(), exchange),
        PATCH: () => appendUpload(writable(), session(), exchange),
        PUT: () => finishUpload(writable(), session(), exchange),
        DELETE: () => cancelUpload(writable(), session(), exchange),
      };
    }
    default:
      return {};
  }
}

function forReading(handler: Handler): Handlers {
  return { GET: handler, HEAD: handler };
}

function requireSession(content: WritableContent, repository: string, id: string): UploadSession {
  const session = content.uploads.find(repository, id);
  if (session === undefined) throw new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload");
  return session;
}
