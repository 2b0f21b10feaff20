import type { ServerResponse } from "node:http";
import { abortable } from "../io/abortable.ts";
import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import { type Digest, isDigest } from "../model/digest.ts";
import { parseRange } from "./byte-range.ts";
import type { Exchange, RegistryContent, WritableContent } from "./exchange.ts";
import { Refusal } from "./refusal.ts";
import { requireDigest } from "./require-digest.ts";
import { sendEmpty } from "./send.ts";

/** Bytes read from disk at once, for each pull. */
const chunkSize = 64 * 1024;

/**
 * `GET` and `HEAD /v2/<name>/blobs/<digest>`, with single ranges. The bytes are sent as they are on disk: checking
 * them is the client's part, as with any registry.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
export async function getBlob(
  content: RegistryContent,
  repository: string,
  reference: string,
  exchange: Exchange,
): Promise<void> {
  const { request, response, call } = exchange;
  const digest = requireDigest(reference);
  const size = await content.repositories.blobSize(repository, digest, call);
  if (size === undefined) throw blobUnknown(repository);
  const headers = {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
  };
  if (request.method === "HEAD") {
    response.writeHead(200, { ...headers, "Content-Length": size });
    response.end();
    return;
  }
  const isConditional = request.headers["if-range"] !== undefined;
  const range = isConditional ? undefined : parseRange(request.headers.range, size);
  if (range === "unsatisfiable") {
    throw new Refusal(416, "SIZE_INVALID", `the blob has ${size} bytes`, {
      headers: { "Content-Range": `bytes */${size}`, "Accept-Ranges": "bytes" },
    });
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    "Content-Length": end + 1 - start,
    ...(range !== undefined && { "Content-Range": `bytes ${start}-${end}/${size}` }),
  });
  const extent = { start, end: end + 1, chunkSize, reuseMemory: true };
  await sendContent(response, content.images.content.read(digest, call, extent), call);
}

/** Sends chunk by chunk, and asks for the next once the kernel has one: so a pull costs one chunk, however slow it is. */
async function sendContent(response: ServerResponse, content: Content, call: Call): Promise<void> {
  for await (const chunk of content) {
    const written = new Promise<void>((resolve, reject) => {
      response.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
    await abortable(written, call);
  }
  response.end();
}

/** `DELETE /v2/<name>/blobs/<digest>`: out of this repository; the bytes go once no repository shows them. */
export async function deleteBlob(
  content: WritableContent,
  repository: string,
  reference: string,
  exchange: Exchange,
): Promise<void> {
  const digest: Digest | undefined = isDigest(reference) ? reference : undefined;
  const deleted = digest && (await content.writer.deleteBlob(repository, digest, exchange.call));
  if (deleted !== true) throw blobUnknown(repository);
  sendEmpty(exchange.response, 202);
}

function blobUnknown(repository: string): Refusal {
  return new Refusal(404, "BLOB_UNKNOWN", `there is no such blob in ${repository}`);
}
