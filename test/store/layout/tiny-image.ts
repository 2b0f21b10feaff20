import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import type { Descriptor } from "../../../src/model/descriptor.ts";
import { digestOf } from "../../../src/model/digest.ts";
import { encodeJson, encodeManifest } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import type { StoredManifest } from "../../../src/store/source.ts";
import type { Target } from "../../../src/store/target.ts";

/** A whole image small enough to hold in memory. */
export interface TinyImage {
  readonly config: Blob;
  readonly layer: Blob;
  readonly manifest: StoredManifest;
}

export interface Blob {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** An image with one gzip layer that holds the file `hello` with the text given. */
export async function tinyImage(text: string): Promise<TinyImage> {
  const archive = pack();
  archive.entry({ name: "hello", mode: 0o644, mtime: new Date(0) }, text);
  archive.finalize();
  const tar = await collect(chunksOf(archive), 1024 * 1024, "tar");
  const layer = blob(mediaTypes.oci.layerGzip, gzipSync(tar));
  const config = blob(
    mediaTypes.oci.config,
    encodeJson({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
      history: [{ created: "1970-01-01T00:00:00Z", created_by: "by hand" }],
    }),
  );
  const manifest = blob(
    mediaTypes.oci.manifest,
    encodeManifest({
      kind: "manifest",
      mediaType: mediaTypes.oci.manifest,
      config: config.descriptor,
      layers: [layer.descriptor],
      annotations: {},
    }),
  );
  return { config, layer, manifest };
}

/** Writes the image, untagged and unlisted. */
export async function pushTinyImage(target: Target, image: TinyImage): Promise<void> {
  for (const { descriptor, bytes } of [image.config, image.layer]) {
    await target.push(descriptor, async () => once(bytes), unstoppable);
  }
  await target.pushManifest(image.manifest, unstoppable);
}

/** An index of the manifests. */
export function indexOf(...manifests: readonly StoredManifest[]): StoredManifest {
  return blob(
    mediaTypes.oci.index,
    encodeJson({
      schemaVersion: 2,
      mediaType: mediaTypes.oci.index,
      manifests: manifests.map(({ descriptor: { mediaType, digest, size } }) => ({
        mediaType,
        digest,
        size,
      })),
    }),
  );
}

export function blob(mediaType: string, bytes: Buffer): Blob {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* chunksOf(archive: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of archive) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
