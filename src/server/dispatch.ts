import { deleteBlob, getBlob } from "./blobs.ts";
import type { Exchange, RegistryContent } from "./exchange.ts";
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
 * @param writable whether methods that write are allowed.
 * @throws Refusal `UNSUPPORTED` (405) for a method the endpoint does not have, and what the endpoint refuses.
 */
export async function dispatch(
  content: RegistryContent,
  route: Route,
  exchange: Exchange,
  writable: boolean,
): Promise<void> {
  const reads = readHandlers(content, route, exchange);
  const writes = writeHandlers(content, route, exchange);
  const method = exchange.request.method ?? "";
  const handler = reads[method] ?? (writable ? writes[method] : undefined);
  if (handler !== undefined) return handler();
  const allowed = Object.keys(writable ? { ...reads, ...writes } : reads);
  const isReadOnly = writes[method] !== undefined;
  throw new Refusal(
    405,
    "UNSUPPORTED",
    isReadOnly ? "this registry is read-only" : "this endpoint does not have this method",
    { headers: { Allow: allowed.join(", ") } },
  );
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

function writeHandlers(content: RegistryContent, route: Route, exchange: Exchange): Handlers {
  switch (route.kind) {
    case "manifest": {
      const { repository, reference } = route;
      return {
        PUT: () => putManifest(content, repository, reference, exchange),
        DELETE: () => deleteManifest(content, repository, reference, exchange),
      };
    }
    case "blob":
      return { DELETE: () => deleteBlob(content, route.repository, route.digest, exchange) };
    case "uploads":
      return { POST: () => startUpload(content, route.repository, exchange) };
    case "upload": {
      const session = (): UploadSession => requireSession(content, route.repository, route.session);
      return {
        GET: () => getUpload(session(), exchange),
        PATCH: () => appendUpload(content, session(), exchange),
        PUT: () => finishUpload(content, session(), exchange),
        DELETE: () => cancelUpload(content, session(), exchange),
      };
    }
    default:
      return {};
  }
}

function forReading(handler: Handler): Handlers {
  return { GET: handler, HEAD: handler };
}

function requireSession(content: RegistryContent, repository: string, id: string): UploadSession {
  const session = content.uploads.find(repository, id);
  if (session === undefined) throw new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload");
  return session;
}
