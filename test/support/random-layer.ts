import { createHash } from "node:crypto";
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { bodyPadding, endOfArchive } from "../../src/tar/writer.ts";
import { type MadeDescriptor, sha256, tarHeader } from "./make-image.ts";
import { randomChunks } from "./random-content.ts";

/** A layer that is made anew whenever it is read: a tar, not compressed, so its digest is its diffId, too. */
export interface RandomLayer {
  readonly descriptor: MadeDescriptor;
  chunks(): Iterable<Uint8Array>;
}

/** A layer of one file with random content; the same for the same name and size. */
export function randomLayer(name: string, size: number): RandomLayer {
  const key = sha256(Buffer.from(name)).slice(-16);
  function* chunks(): Generator<Uint8Array> {
    yield tarHeader({ path: `content-${key}` }, size);
    yield* randomChunks(key, size);
    yield bodyPadding(size);
    yield endOfArchive;
  }
  const hash = createHash("sha256");
  let length = 0;
  for (const chunk of chunks()) {
    hash.update(chunk);
    length += chunk.byteLength;
  }
  const mediaType = "application/vnd.oci.image.layer.v1.tar";
  const descriptor = { mediaType, digest: `sha256:${hash.digest("hex")}`, size: length };
  return { descriptor, chunks };
}

/**
 * Pushes a layer with plain requests, a chunk at a time.
 *
 * @param registry `http://127.0.0.1:PORT`
 */
export async function pushLayer(layer: RandomLayer, registry: string, repository: string): Promise<void> {
  const { digest, size } = layer.descriptor;
  const started = await fetch(`${registry}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  await started.arrayBuffer();
  const location = new URL(started.headers.get("location") ?? "", registry);
  location.searchParams.set("digest", digest);
  const put = request(location, {
    method: "PUT",
    headers: { "content-length": size, "content-type": "application/octet-stream" },
  });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    put.on("error", reject).on("response", (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
  });
  const [status] = await Promise.all([answered, pipeline(Readable.from(layer.chunks()), put)]);
  if (status !== 201) throw new Error(`${repository}: PUT ${digest}: ${status}`);
}
