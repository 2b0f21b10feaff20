import type { ServerResponse } from "node:http";

type Headers = Readonly<Record<string, string | number>>;

/** Answers without a body. */
export function sendEmpty(response: ServerResponse, status: number, headers: Headers = {}): void {
  response.writeHead(status, status === 204 ? headers : { "Content-Length": 0, ...headers });
  response.end();
}

/** Answers with a JSON document; to HEAD, with its headers alone. */
export function sendJson(
  response: ServerResponse,
  status: number,
  document: unknown,
  headers: Headers = {},
): void {
  sendBytes(response, status, Buffer.from(JSON.stringify(document), "utf8"), {
    "Content-Type": "application/json",
    ...headers,
  });
}

/** Answers with bytes in hand; to HEAD, with their headers alone. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  bytes: Uint8Array,
  headers: Headers,
): void {
  response.writeHead(status, { "Content-Length": bytes.byteLength, ...headers });
  response.end(bytes);
}
