import { type Digest, isDigest } from "../model/digest.ts";
import { isRepository } from "../model/reference.ts";
import { parseContentRange } from "./byte-range.ts";
import type { Exchange, WritableContent } from "./exchange.ts";
import { Refusal } from "./refusal.ts";
import { requestBody } from "./request-body.ts";
import { requireDigest } from "./require-digest.ts";
import { sendEmpty } from "./send.ts";
import type { UploadSession } from "./upload-sessions.ts";

/**
 * `POST /v2/<name>/blobs/uploads/`: mounts a blob of another repository (`mount`, `from`), takes a whole blob
 * (`digest`), or starts a session.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export async function startUpload(
  content: WritableContent,
  repository: string,
  exchange: Exchange,
): Promise<void> {
  const { query, response } = exchange;
  const mounted = await mount(content, repository, exchange);
  if (mounted !== undefined) {
    sendEmpty(response, 201, blobHeaders(repository, mounted));
    return;
  }
  const digest = query.has("digest") ? requireDigest(query.get("digest")) : undefined;
  const session = content.uploads.start(repository);
  if (digest === undefined) {
    sendEmpty(response, 202, sessionHeaders(session));
    return;
  }
  try {
    await hold(content, session, async () => {
      await receive(session, exchange);
      await complete(content, session, digest, exchange);
    });
  } finally {
    await content.uploads.end(session);
  }
}

/** `GET /v2/<name>/blobs/uploads/<session>`: how far the upload is. */
export function getUpload(session: UploadSession, exchange: Exchange): void {
  sendEmpty(exchange.response, 204, sessionHeaders(session));
}

/** `PATCH /v2/<name>/blobs/uploads/<session>`: appends a chunk. What came before a lost connection is kept. */
export async function appendUpload(
  content: WritableContent,
  session: UploadSession,
  exchange: Exchange,
): Promise<void> {
  await hold(content, session, () => receive(session, exchange));
  sendEmpty(exchange.response, 202, sessionHeaders(session));
}

/** `PUT /v2/<name>/blobs/uploads/<session>?digest=`: appends the last chunk, if there is one, and ends the upload. */
export async function finishUpload(
  content: WritableContent,
  session: UploadSession,
  exchange: Exchange,
): Promise<void> {
  const digest = requireDigest(exchange.query.get("digest"));
  await hold(content, session, async () => {
    await receive(session, exchange);
    await complete(content, session, digest, exchange);
  });
}

/** `DELETE /v2/<name>/blobs/uploads/<session>`: also while a request is writing to it, which then comes to nothing. */
export async function cancelUpload(
  content: WritableContent,
  session: UploadSession,
  exchange: Exchange,
): Promise<void> {
  await content.uploads.end(session);
  sendEmpty(exchange.response, 204);
}

async function mount(
  content: WritableContent,
  repository: string,
  exchange: Exchange,
): Promise<Digest | undefined> {
  const digest = exchange.query.get("mount");
  const from = exchange.query.get("from");
  if (digest === null || from === null) return undefined;
  if (!isDigest(digest)) throw new Refusal(400, "DIGEST_INVALID", "the digest to mount is malformed");
  if (!isRepository(from)) return undefined;
  if ((await content.repositories.blobSize(from, digest, exchange.call)) === undefined) return undefined;
  content.repositories.link(repository, digest);
  return digest;
}

async function hold(
  content: WritableContent,
  session: UploadSession,
  work: () => Promise<void>,
): Promise<void> {
  if (session.busy)
    throw new Refusal(409, "BLOB_UPLOAD_INVALID", "another request is writing to this upload");
  await content.uploads.hold(session, work);
}

async function receive(session: UploadSession, exchange: Exchange): Promise<void> {
  const expected = expectedSize(session, exchange);
  const before = session.size;
  for await (const chunk of requestBody(exchange.request)) {
    requireAlive(session);
    await session.append(chunk);
  }
  requireAlive(session);
  if (expected !== undefined && session.size - before !== expected) {
    throw new Refusal(400, "SIZE_INVALID", "the body is not as long as Content-Range says", {
      headers: sessionHeaders(session),
    });
  }
}

/** Bytes that the request announces, having checked that they follow what is there. */
function expectedSize(session: UploadSession, exchange: Exchange): number | undefined {
  const header = exchange.request.headers["content-range"];
  if (header === undefined) return undefined;
  const range = parseContentRange(header);
  if (range === undefined) {
    throw new Refusal(400, "BLOB_UPLOAD_INVALID", "Content-Range is not start-end", {
      headers: sessionHeaders(session),
    });
  }
  if (range.start !== session.size) {
    throw new Refusal(416, "BLOB_UPLOAD_INVALID", `the next byte is ${session.size}, not ${range.start}`, {
      headers: sessionHeaders(session),
    });
  }
  const size = range.end + 1 - range.start;
  const length = exchange.request.headers["content-length"];
  if (length !== undefined && Number(length) !== size) {
    throw new Refusal(400, "SIZE_INVALID", "Content-Length and Content-Range disagree", {
      headers: sessionHeaders(session),
    });
  }
  return size;
}

async function complete(
  content: WritableContent,
  session: UploadSession,
  digest: Digest,
  exchange: Exchange,
): Promise<void> {
  const actual = await session.complete(digest);
  if (actual !== digest) {
    throw new Refusal(400, "DIGEST_INVALID", `the content's digest is ${actual}, not ${digest}`);
  }
  content.repositories.link(session.repository, digest);
  sendEmpty(exchange.response, 201, blobHeaders(session.repository, digest));
}

function requireAlive(session: UploadSession): void {
  if (session.over) throw new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "the upload was cancelled");
}

function blobHeaders(repository: string, digest: Digest): Record<string, string> {
  return { Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest };
}

/** By custom the range of an empty upload is `0-0`, like that of one byte. */
function sessionHeaders(session: UploadSession): Record<string, string> {
  return {
    Location: `/v2/${session.repository}/blobs/uploads/${session.id}`,
    Range: `0-${Math.max(0, session.size - 1)}`,
    "Docker-Upload-UUID": session.id,
  };
}
