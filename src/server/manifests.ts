import type { IncomingMessage } from "node:http";
import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import { maxManifestSize } from "../model/manifest.ts";
import { isManifestMediaType } from "../model/media-types.ts";
import { isTag } from "../model/reference.ts";
import type { Exchange, RegistryContent, WritableContent } from "./exchange.ts";
import { type ManifestFacts, readManifestFacts } from "./manifest-facts.ts";
import { Refusal } from "./refusal.ts";
import { requestBody } from "./request-body.ts";
import { sendBytes, sendEmpty } from "./send.ts";

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` */
export async function getManifest(
  content: RegistryContent,
  repository: string,
  reference: string,
  exchange: Exchange,
): Promise<void> {
  const { request, response, call } = exchange;
  const descriptor = await findManifest(content, repository, reference, call);
  const headers = { "Content-Type": descriptor.mediaType, "Docker-Content-Digest": descriptor.digest };
  if (request.method === "HEAD") {
    response.writeHead(200, { ...headers, "Content-Length": descriptor.size });
    response.end();
    return;
  }
  const bytes = await collect(await content.images.fetch(descriptor, call), maxManifestSize, "manifest");
  sendBytes(response, 200, bytes, headers);
}

/**
 * `PUT /v2/<name>/manifests/<reference>`. What the manifest refers to has to be in the repository.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
export async function putManifest(
  content: WritableContent,
  repository: string,
  reference: string,
  exchange: Exchange,
): Promise<void> {
  const { request, response, call } = exchange;
  if (!isDigest(reference) && !isTag(reference)) {
    throw new Refusal(400, "MANIFEST_INVALID", "the reference is neither a tag nor a digest");
  }
  const bytes = await readManifestBody(request);
  const digest = digestOf(bytes, isDigest(reference) ? digestAlgorithm(reference) : "sha256");
  if (isDigest(reference) && digest !== reference) {
    throw new Refusal(400, "DIGEST_INVALID", `the manifest's digest is ${digest}, not ${reference}`);
  }
  const facts = factsOf(bytes, request.headers["content-type"], reference);
  await requireReferences(content, repository, facts, call);
  const descriptor: Descriptor = { mediaType: facts.mediaType, digest, size: bytes.byteLength };
  const placement = { repository, ...(!isDigest(reference) && { tag: reference }) };
  const missing = await content.writer.putManifest({ descriptor, bytes }, referredTo(facts), placement, call);
  if (missing.length > 0) throw blobsUnknown(missing);
  sendEmpty(response, 201, {
    Location: `/v2/${repository}/manifests/${digest}`,
    "Docker-Content-Digest": digest,
    ...(facts.subject !== undefined && { "OCI-Subject": facts.subject }),
  });
}

/** `DELETE /v2/<name>/manifests/<reference>`: a tag alone, or a manifest with all its tags. */
export async function deleteManifest(
  content: WritableContent,
  repository: string,
  reference: string,
  exchange: Exchange,
): Promise<void> {
  const { writer } = content;
  const deleted = isDigest(reference)
    ? await writer.deleteManifest(repository, reference, exchange.call)
    : await writer.deleteTag(repository, reference, exchange.call);
  if (!deleted) throw manifestUnknown(repository);
  sendEmpty(exchange.response, 202);
}

async function findManifest(
  content: RegistryContent,
  repository: string,
  reference: string,
  call: Call,
): Promise<Descriptor> {
  const { images, repositories } = content;
  const found = isDigest(reference)
    ? await repositories.findManifest(repository, reference, call)
    : await repositories.findTag(repository, reference, call);
  if (found === undefined || (await images.content.size(found.digest)) === undefined) {
    throw manifestUnknown(repository);
  }
  return found;
}

async function readManifestBody(request: IncomingMessage): Promise<Buffer> {
  try {
    return await collect(requestBody(request), maxManifestSize, "the manifest");
  } catch (error) {
    if (!(error instanceof ComposeImageError && error.code === "LIMIT_EXCEEDED")) throw error;
    throw new Refusal(413, "MANIFEST_INVALID", error.message);
  }
}

function factsOf(bytes: Uint8Array, contentType: string | undefined, reference: string): ManifestFacts {
  const mediaType = contentType?.split(";", 1)[0]?.trim() ?? "";
  if (mediaType !== "" && !isManifestMediaType(mediaType)) {
    throw new Refusal(400, "MANIFEST_INVALID", "Content-Type is not a media type of a manifest or an index");
  }
  try {
    return readManifestFacts(bytes, mediaType, reference);
  } catch (error) {
    if (!(error instanceof ComposeImageError)) throw error;
    throw new Refusal(400, "MANIFEST_INVALID", error.message);
  }
}

/** @throws Refusal `MANIFEST_BLOB_UNKNOWN` naming everything that is missing. */
async function requireReferences(
  content: RegistryContent,
  repository: string,
  facts: ManifestFacts,
  call: Call,
): Promise<void> {
  const { repositories } = content;
  const missing: Digest[] = [];
  for (const digest of new Set(facts.blobs)) {
    if ((await repositories.blobSize(repository, digest, call)) === undefined) missing.push(digest);
  }
  for (const digest of new Set(facts.children.map((child) => child.digest))) {
    if ((await repositories.findManifest(repository, digest, call)) === undefined) missing.push(digest);
  }
  if (missing.length > 0) throw blobsUnknown(missing);
}

function referredTo({ blobs, children }: ManifestFacts): readonly Digest[] {
  return [...new Set([...blobs, ...children.map((child) => child.digest)])];
}

function blobsUnknown(missing: readonly Digest[]): Refusal {
  return new Refusal(
    400,
    "MANIFEST_BLOB_UNKNOWN",
    `the manifest refers to what is not in the repository: ${missing.slice(0, 10).join(", ")}`,
    { detail: missing.map((digest): JsonObject => ({ digest })) },
  );
}

function manifestUnknown(repository: string): Refusal {
  return new Refusal(404, "MANIFEST_UNKNOWN", `there is no such manifest in ${repository}`);
}
