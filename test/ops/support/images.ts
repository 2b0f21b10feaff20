import { gzipSync } from "node:zlib";
import { decompress } from "../../../src/codec/decompress.ts";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import { type Descriptor, descriptorFromJson } from "../../../src/model/descriptor.ts";
import { digestOf } from "../../../src/model/digest.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { encodeJson } from "../../../src/model/manifest.ts";
import { type MediaTypeFamily, mediaTypes } from "../../../src/model/media-types.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import type { StoredManifest } from "../../../src/store/source.ts";
import { type EntrySpec, tarOf } from "../../layers/support/entries.ts";
import { readAll } from "../../tar/craft.ts";

/** An image to put into a layout. */
export interface ImageSpec {
  /** Bottom to top. */
  readonly layers: readonly (readonly EntrySpec[])[];
  /** The `config` property. */
  readonly execution?: JsonObject;
  /** What the configuration holds besides or instead. */
  readonly config?: JsonObject;
  readonly family?: MediaTypeFamily;
  /** Changes of layer descriptors, by position; a foreign layer's blob is left out. */
  readonly layerChanges?: Readonly<Record<number, Partial<Descriptor>>>;
}

/** Puts an image into a layout, under a tag. Gives its manifest. */
export async function putImage(directory: string, tag: string, image: ImageSpec): Promise<StoredManifest> {
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const stored = await putUntagged(directory, image);
  await layout.tag(stored, tag, unstoppable);
  return stored;
}

/**
 * Puts images into a layout, with an index of their platforms under a tag.
 *
 * @param more further entries, which come last.
 */
export async function putIndex(
  directory: string,
  tag: string,
  images: Readonly<Record<string, ImageSpec>>,
  more: readonly JsonObject[] = [],
): Promise<StoredManifest> {
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const manifests: JsonObject[] = [];
  for (const [platform, image] of Object.entries(images)) {
    const [os = "", architecture = "", variant] = platform.split("/");
    const { mediaType, digest, size } = (await putUntagged(directory, image)).descriptor;
    manifests.push({
      mediaType,
      digest,
      size,
      platform: { os, architecture, ...(variant !== undefined && { variant }) },
    });
  }
  const stored = manifestOf(mediaTypes.oci.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.oci.index,
    manifests: [...manifests, ...more],
  });
  await layout.pushManifest(stored, unstoppable);
  await layout.tag(stored, tag, unstoppable);
  return stored;
}

async function putUntagged(
  directory: string,
  { layers, execution = {}, config = {}, family = "oci", layerChanges = {} }: ImageSpec,
): Promise<StoredManifest> {
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const types = mediaTypes[family];
  const tars = layers.map(tarOf);
  const descriptors = [];
  for (const [i, tar] of tars.entries()) {
    const bytes = gzipSync(tar);
    const descriptor = {
      mediaType: types.layerGzip,
      digest: digestOf(bytes),
      size: bytes.byteLength,
      ...layerChanges[i],
    };
    if (descriptor.urls === undefined) await layout.push(descriptor, async () => once(bytes), unstoppable);
    descriptors.push(descriptor);
  }
  const configBytes = encodeJson({
    architecture: "amd64",
    os: "linux",
    config: execution,
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
    history: tars.map((_, i) => ({ created_by: `step ${i + 1}` })),
    ...config,
  });
  const configDescriptor = {
    mediaType: types.config,
    digest: digestOf(configBytes),
    size: configBytes.byteLength,
  };
  await layout.push(configDescriptor, async () => once(configBytes), unstoppable);
  const stored = manifestOf(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: configDescriptor,
    layers: descriptors as unknown as JsonObject[],
  });
  await layout.pushManifest(stored, unstoppable);
  return stored;
}

function manifestOf(mediaType: string, document: JsonObject): StoredManifest {
  const bytes = encodeJson(document);
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}

/** An image as a layout has it. */
export interface ReadImage {
  readonly digest: string;
  readonly manifest: {
    readonly mediaType: string;
    readonly config: Descriptor;
    readonly layers: readonly Descriptor[];
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly config: JsonObject & {
    readonly config: JsonObject;
    readonly history: readonly JsonObject[];
    readonly rootfs: { readonly diff_ids: readonly string[] };
  };
  /** Paths in the top layer. */
  readonly topLayer: readonly string[];
}

/** An index as a layout has it. */
export interface ReadIndex {
  readonly digest: string;
  readonly mediaType: string;
  readonly manifests: readonly (Descriptor & { readonly platform: JsonObject })[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Reads an index back. */
export async function readIndex(directory: string, tag: string): Promise<ReadIndex> {
  const layout = await openLayout(directory, {}, unstoppable);
  const { bytes, descriptor } = await layout.manifest({ tag }, unstoppable);
  return { ...JSON.parse(Buffer.from(bytes).toString()), digest: descriptor.digest };
}

/** Reads an image back. */
export async function readImage(directory: string, tag: string): Promise<ReadImage> {
  const layout = await openLayout(directory, {}, unstoppable);
  const stored = await layout.manifest({ tag }, unstoppable);
  const manifest = JSON.parse(Buffer.from(stored.bytes).toString());
  const blob = async (value: unknown): Promise<Buffer> =>
    collect(await layout.fetch(descriptorFromJson(value, "it"), unstoppable), 1e7, "it");
  const last = await layout.fetch(descriptorFromJson(manifest.layers.at(-1), "top"), unstoppable);
  const top = await readAll(await collect(decompress(last, "top"), 1e7, "top"));
  return {
    digest: stored.descriptor.digest,
    manifest,
    config: JSON.parse((await blob(manifest.config)).toString()),
    topLayer: top.map(({ header }) => header.path),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
