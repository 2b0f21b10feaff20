import type { IncomingMessage } from "node:http";
import type { Content } from "../io/content.ts";

/** A request's body. Leaving it early keeps the connection, so that an answer can still be sent. */
export function requestBody(request: IncomingMessage): Content {
  return request.iterator({ destroyOnReturn: false });
}
