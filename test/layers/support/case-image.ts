import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unstoppable } from "../../../src/io/call.ts";
import { digestOf } from "../../../src/model/digest.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { encodeJson } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { inChunks } from "../../codec/chunking.ts";
import type { CaseImage, CaseLayer } from "./case-file.ts";
import { packed, tarOfLines } from "./case-layer.ts";

/** An image of a case, stored. */
export interface StoredCaseImage {
  readonly digest: string;
  /** The packed layers, bottom to top. */
  readonly blobs: readonly Buffer[];
  readonly layerDigests: readonly string[];
}

/** Puts an image of a case into a layout, under a tag. */
export async function putCaseImage(
  directory: string,
  tag: string,
  { layers, config = {}, family = "oci" }: CaseImage,
): Promise<StoredCaseImage> {
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const types = mediaTypes[family];
  const blobs: Buffer[] = [];
  const descriptors: JsonObject[] = [];
  const diffIds: string[] = [];
  const push = async (mediaType: string, bytes: Uint8Array, urls?: readonly string[]) => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
    if (urls !== undefined) return { ...descriptor, urls: [...urls] };
    await layout.push(descriptor, async () => inChunks(bytes), unstoppable);
    return descriptor;
  };
  for (const layer of layers) {
    const { tar, bytes } = bytesOf(layer);
    const descriptor = await push(layer.mediaType ?? types.layerGzip, bytes, layer.urls);
    if (layer.damaged === true) await damage(directory, descriptor.digest);
    blobs.push(bytes);
    descriptors.push(descriptor);
    diffIds.push(digestOf(tar));
  }
  const document = {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: diffIds },
    ...config,
  };
  const manifest = encodeJson({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: await push(types.config, encodeJson(document)),
    layers: descriptors,
  });
  const stored = {
    descriptor: { mediaType: types.manifest, digest: digestOf(manifest), size: manifest.byteLength },
    bytes: manifest,
  };
  await layout.pushManifest(stored, unstoppable);
  await layout.tag(stored, tag, unstoppable);
  return {
    digest: stored.descriptor.digest,
    blobs,
    layerDigests: blobs.map((blob) => digestOf(blob)),
  };
}

function bytesOf(layer: CaseLayer): { readonly tar: Buffer; readonly bytes: Buffer } {
  const tar = tarOfLines(layer.entries, layer.ended);
  return { tar, bytes: packed(tar, layer.packed ?? ["gzip"]) };
}

async function damage(directory: string, digest: string): Promise<void> {
  const path = join(directory, "blobs", ...digest.split(":"));
  const bytes = await readFile(path);
  const last = bytes.byteLength - 1;
  bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
  await writeFile(path, bytes);
}
