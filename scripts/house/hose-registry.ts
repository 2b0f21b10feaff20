import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { Descriptor } from "../../src/model/descriptor.ts";
import { type Digest, Digester, digestOf } from "../../src/model/digest.ts";
import { encodeJson, encodeManifest } from "../../src/model/manifest.ts";
import { mediaTypes } from "../../src/model/media-types.ts";

/** A blob that is made as it is read. */
interface MadeContent {
  readonly descriptor: Descriptor;
  readonly chunks: () => Iterable<Uint8Array>;
}

interface KeptManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What all blobs are cut from; each begins with bytes of its own. */
const block = randomBytes(256 * 1024);

/**
 * A registry on loopback that has large blobs without keeping them, and forgets the bytes of those it is sent: so that what
 * is measured of a client are neither disks nor another process's memory. Ranges are `bytes=N-` and what begins so. It knows images by tag and digest, has no
 * referrers, and mounts nothing.
 */
export class HoseRegistry implements AsyncDisposable {
  /** Bytes of blobs that were sent, and received. */
  readonly moved = { sent: 0, received: 0 };
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  /** By `repository@digest` and `repository:tag`. */
  readonly #manifests = new Map<string, KeptManifest>();
  readonly #made = new Map<string, MadeContent>();
  /** `repository@digest` */
  readonly #taken = new Map<string, number>();

  /** Begins to listen; gives `127.0.0.1:PORT`. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Adds an image with layers of so many bytes, no two alike. */
  addImage(repository: string, tag: string, sizes: readonly number[]): void {
    const layers = sizes.map((size, i) => madeContent(`${repository}:${tag} ${i}`, size));
    for (const layer of layers) this.#made.set(layer.descriptor.digest, layer);
    const text = encodeJson({ architecture: "amd64", os: "linux", name: `${repository}:${tag}` });
    const config = { mediaType: mediaTypes.oci.config, digest: digestOf(text), size: text.byteLength };
    this.#made.set(config.digest, { descriptor: config, chunks: () => [text] });
    const mediaType = mediaTypes.oci.manifest;
    const descriptors = layers.map(({ descriptor }) => descriptor);
    const manifest = { kind: "manifest", mediaType, config, layers: descriptors, annotations: {} } as const;
    this.#keepManifest(repository, tag, { mediaType, bytes: encodeManifest(manifest) });
  }

  #keepManifest(repository: string, reference: string, manifest: KeptManifest): Digest {
    const digest = digestOf(manifest.bytes);
    this.#manifests.set(`${repository}@${digest}`, manifest);
    if (reference !== digest) this.#manifests.set(`${repository}:${reference}`, manifest);
    return digest;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://hose");
    const [, repository = "", kind = "", reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs|referrers|tags)\/(.*)$/.exec(url.pathname) ?? [];
    const { method = "GET" } = request;
    if (url.pathname === "/v2/") response.end("{}");
    else if (kind === "manifests" && method === "PUT")
      await this.#takeManifest(repository, reference, request, response);
    else if (kind === "manifests") this.#giveManifest(repository, reference, method, response);
    else if (method === "GET" || method === "HEAD")
      await this.#giveBlob(repository, reference, request, response);
    else await this.#takeBlob(repository, url, request, response);
  }

  async #takeManifest(
    repository: string,
    reference: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const bytes = await buffer(request);
    const mediaType = request.headers["content-type"] ?? "";
    const digest = this.#keepManifest(repository, reference, { mediaType, bytes });
    response.writeHead(201, { "docker-content-digest": digest }).end();
  }

  #giveManifest(repository: string, reference: string, method: string, response: ServerResponse): void {
    const sign = reference.includes(":") ? "@" : ":";
    const found = this.#manifests.get(`${repository}${sign}${reference}`);
    if (found === undefined) return void response.writeHead(404).end();
    const { mediaType, bytes } = found;
    response.writeHead(200, {
      "content-type": mediaType,
      "content-length": bytes.byteLength,
      "docker-content-digest": digestOf(bytes),
    });
    response.end(method === "HEAD" ? undefined : bytes);
  }

  async #giveBlob(
    repository: string,
    digest: string,
    { method, headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const made = this.#made.get(digest);
    const size = made?.descriptor.size ?? this.#taken.get(`${repository}@${digest}`);
    if (size === undefined || (method === "GET" && made === undefined)) {
      return void response.writeHead(404).end();
    }
    const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": size - start,
      "docker-content-digest": digest,
      ...(start > 0 && { "content-range": `bytes ${start}-${size - 1}/${size}` }),
    });
    if (method === "HEAD" || made === undefined) response.end();
    else await pipeline(Readable.from(this.#counted(made, start)), response);
  }

  *#counted({ chunks }: MadeContent, start: number): Generator<Uint8Array> {
    let skipped = start;
    for (const whole of chunks()) {
      const chunk = whole.subarray(skipped);
      skipped = Math.max(0, skipped - whole.byteLength);
      this.moved.sent += chunk.byteLength;
      if (chunk.byteLength > 0) yield chunk;
    }
  }

  /** An upload's bytes count, and are gone. */
  async #takeBlob(
    repository: string,
    url: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const before = Number(url.searchParams.get("at") ?? 0);
    let size = before;
    for await (const chunk of request as AsyncIterable<Buffer>) size += chunk.byteLength;
    this.moved.received += size - before;
    const digest = url.searchParams.get("digest");
    if (request.method === "PUT" && digest !== null) {
      this.#taken.set(`${repository}@${digest}`, size);
      return void response.writeHead(201, { "docker-content-digest": digest }).end();
    }
    const headers = { location: `/v2/${repository}/blobs/uploads/1?at=${size}`, "content-length": 0 };
    response.writeHead(202, { ...headers, ...(size > 0 && { range: `0-${size - 1}` }) }).end();
  }
}

function madeContent(name: string, size: number): MadeContent {
  const start = createHash("sha256").update(name).digest().subarray(0, size);
  function* chunks(): Generator<Uint8Array> {
    yield start;
    for (let left = size - start.byteLength; left > 0; left -= block.byteLength)
      yield block.subarray(0, left);
  }
  const digester = new Digester("sha256");
  for (const chunk of chunks()) digester.update(chunk);
  return { descriptor: { mediaType: mediaTypes.oci.layer, digest: digester.digest(), size }, chunks };
}
