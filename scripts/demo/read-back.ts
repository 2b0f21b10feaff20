import { createHash, type Hash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { type Extract, extract } from "tar-stream";
import type { Call } from "../../src/io/call.ts";

/** What a manifest says, as far as the demo looks at it. */
export interface PulledManifest {
  readonly mediaType: string;
  readonly config: PulledDescriptor;
  readonly layers: readonly PulledDescriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A descriptor as it is in JSON. */
export interface PulledDescriptor {
  readonly digest: string;
  readonly size: number;
}

/** What a configuration says, as far as the demo looks at it. */
export interface PulledConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly { readonly empty_layer?: boolean }[];
}

/** A layer's entries, by path. */
export interface PulledLayer {
  /** Of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  readonly entries: ReadonlyMap<string, PulledEntry>;
}

/** An entry of a layer. */
export interface PulledEntry {
  readonly type: string;
  /** Bytes of content. */
  readonly size: number;
  readonly sha256: string;
}

/**
 * A repository as any client would see it. Nothing of the project takes part: Node's own HTTP client and gunzip, and
 * tar-stream as the archive's reader.
 */
export class Repository {
  readonly #url: string;
  readonly #call: Call;

  /** @param url `http://host:port/v2/repository` */
  constructor(url: string, call: Call) {
    this.#url = url;
    this.#call = call;
  }

  async manifest(digest: string): Promise<PulledManifest> {
    const accept = "application/vnd.oci.image.manifest.v1+json";
    return JSON.parse(
      (await this.#bytes(`manifests/${digest}`, digest, { accept })).toString(),
    ) as PulledManifest;
  }

  /** The digest that a tag stands for. */
  async digestOf(tag: string): Promise<string | null> {
    const accept = "application/vnd.oci.image.manifest.v1+json";
    const answer = await this.#get(`manifests/${tag}`, { accept });
    await answer.body?.cancel();
    return answer.headers.get("docker-content-digest");
  }

  async config({ digest }: PulledDescriptor): Promise<PulledConfig> {
    return JSON.parse((await this.#bytes(`blobs/${digest}`, digest)).toString()) as PulledConfig;
  }

  /** Reads a gzip layer once, and hashes blob, tar and files on the way. */
  async layer({ digest }: PulledDescriptor): Promise<PulledLayer> {
    const { body } = await this.#get(`blobs/${digest}`);
    if (body === null) throw new Error(`${digest}: the registry sent nothing`);
    const compressed = createHash("sha256");
    const uncompressed = createHash("sha256");
    let tarSize = 0;
    const reader = extract();
    const feeding = pipeline(
      Readable.fromWeb(body as ReadableStream),
      hashing(compressed),
      createGunzip(),
      hashing(uncompressed, (bytes) => {
        tarSize += bytes;
      }),
      reader,
      { signal: this.#call.signal },
    );
    const [entries] = await Promise.all([entriesOf(reader), feeding]);
    if (`sha256:${compressed.digest("hex")}` !== digest)
      throw new Error(`${digest}: the bytes have another digest`);
    return { diffId: `sha256:${uncompressed.digest("hex")}`, tarSize, entries };
  }

  async #bytes(path: string, digest: string, headers: Record<string, string> = {}): Promise<Buffer> {
    const bytes = Buffer.from(await (await this.#get(path, headers)).arrayBuffer());
    const actual = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (actual !== digest) throw new Error(`${path}: expected ${digest}, got ${actual}`);
    return bytes;
  }

  async #get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const answer = await fetch(`${this.#url}/${path}`, { headers, signal: this.#call.signal });
    if (!answer.ok) throw new Error(`${path}: the registry answers ${answer.status}`);
    return answer;
  }
}

async function entriesOf(reader: Extract): Promise<Map<string, PulledEntry>> {
  const entries = new Map<string, PulledEntry>();
  for await (const entry of reader) {
    const hash = createHash("sha256");
    for await (const chunk of entry as AsyncIterable<Uint8Array>) hash.update(chunk);
    const { name, type, size } = entry.header;
    entries.set(name, { type: type ?? "file", size: size ?? 0, sha256: hash.digest("hex") });
  }
  return entries;
}

/** Passes bytes on, and has the hash see them and `count` how many they are. */
function hashing(
  hash: Hash,
  count: (bytes: number) => void = () => {},
): (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      count(chunk.byteLength);
      yield chunk;
    }
  };
}
