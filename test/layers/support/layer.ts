import type { Call } from "../../../src/io/call.ts";
import type { Content } from "../../../src/io/content.ts";
import { verify } from "../../../src/io/verify.ts";
import type { LayerBlob } from "../../../src/layers/layer-blob.ts";
import { StagedBodies } from "../../../src/layers/staged-bodies.ts";
import { digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { inChunks } from "../../codec/chunking.ts";
import { type EntrySpec, tarOf } from "./entries.ts";

/** A layer in memory that tells how often it was opened. */
export interface TestLayer extends LayerBlob {
  readonly opened: { times: number };
}

/** Options of {@link layerOf}. */
export interface LayerOptions {
  readonly name?: string;
  /** Of the descriptor. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What is read in place of the bytes the descriptor names, by how often the layer was opened before. */
  readonly served?: (bytes: Buffer, time: number) => Content | Promise<Content>;
}

/** A layer of entries, or of bytes. */
export function layerOf(entries: readonly EntrySpec[] | Buffer, options: LayerOptions = {}): TestLayer {
  const bytes = Buffer.isBuffer(entries) ? entries : tarOf(entries);
  const descriptor = {
    mediaType: mediaTypes.oci.layer,
    digest: digestOf(bytes),
    size: bytes.byteLength,
    ...(options.annotations !== undefined && { annotations: options.annotations }),
  };
  const opened = { times: 0 };
  const { name = "a layer", served = (all) => inChunks(all, 4096) } = options;
  return {
    descriptor,
    name,
    bodies: new StagedBodies(),
    opened,
    open: async (call: Call) => {
      call.signal.throwIfAborted();
      const time = opened.times;
      opened.times += 1;
      return verify(await served(bytes, time), descriptor, name);
    },
  };
}

/** Layers bottom to top, named by their place. */
export function layersOf(...layers: readonly (readonly EntrySpec[])[]): TestLayer[] {
  return layers.map((entries, i) => layerOf(entries, { name: `layer ${i + 1}` }));
}
