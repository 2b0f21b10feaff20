import { tmpdir } from "node:os";
import { gzip } from "../../src/codec/gzip-writer.ts";
import type { Call } from "../../src/io/call.ts";
import type { Content } from "../../src/io/content.ts";
import { MemoryBudget } from "../../src/io/memory-budget.ts";
import { Spool } from "../../src/io/spool.ts";
import type { ExecutionConfig } from "../../src/model/config.ts";
import type { Descriptor } from "../../src/model/descriptor.ts";
import { type Digest, Digester, digestOf } from "../../src/model/digest.ts";
import { encodeJson, encodeManifest } from "../../src/model/manifest.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import type { LayoutStore } from "../../src/store/layout/layout-store.ts";

/** What a layer is made of. */
export interface LayerSource {
  /** What built the layer, for the history. */
  readonly createdBy: string;
  /** The uncompressed archive. */
  tar(): Content;
}

/** A layer that is in a layout; images may share it. */
export interface WrittenLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly createdBy: string;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
}

/** An image that is in a layout. */
export interface WrittenImage {
  readonly descriptor: Descriptor;
  readonly layers: readonly WrittenLayer[];
  /** Compressed bytes of the layers: what a pull moves. */
  readonly size: number;
  /** Uncompressed bytes of the layers: what they take on a disk. */
  readonly tarSize: number;
}

/** When everything here was made, so that the same files give the same digests. */
const creationTime = "2025-11-20T12:00:00Z";

/**
 * Packs a layer and puts it into a layout.
 *
 * @param level of gzip, 1 to 9; 6 is what builders use.
 */
export async function writeLayer(
  layout: LayoutStore,
  contents: LayerSource,
  level: number,
  call: Call,
): Promise<WrittenLayer> {
  const uncompressed = new Digester();
  const compressed = new Digester();
  await using spool = new Spool(new MemoryBudget(0), tmpdir());
  const packed = gzip(digested(contents.tar(), uncompressed, call), { level });
  const extent = await spool.append(digested(packed, compressed, call));
  const descriptor = {
    mediaType: mediaTypes.oci.layerGzip,
    digest: compressed.digest(),
    size: extent.size,
  };
  await layout.push(descriptor, () => Promise.resolve(spool.read(extent)), call);
  const { createdBy } = contents;
  return { descriptor, diffId: uncompressed.digest(), createdBy, tarSize: uncompressed.size };
}

/**
 * Makes an image of layers, bottom to top, and tags it.
 *
 * @param tag `repository:tag`, as the embedded registry serves it.
 */
export async function writeImage(
  layout: LayoutStore,
  tag: string,
  layers: readonly WrittenLayer[],
  execution: ExecutionConfig,
  call: Call,
): Promise<WrittenImage> {
  const config = encodeJson({
    created: creationTime,
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: execution,
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({ created: creationTime, created_by: createdBy })),
  });
  const configDescriptor = describe(mediaTypes.oci.config, config);
  await layout.push(configDescriptor, () => Promise.resolve(once(config)), call);
  const bytes = encodeManifest({
    kind: "manifest",
    mediaType: mediaTypes.oci.manifest,
    config: configDescriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: {},
  });
  const descriptor = describe(mediaTypes.oci.manifest, bytes);
  await layout.tag({ descriptor, bytes }, tag, call);
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  return {
    descriptor,
    layers,
    size: sum(layers.map((layer) => layer.descriptor.size)),
    tarSize: sum(layers.map(({ tarSize }) => tarSize)),
  };
}

async function* digested(content: Content, digester: Digester, call: Call): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    call.signal.throwIfAborted();
    digester.update(chunk);
    yield chunk;
  }
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
