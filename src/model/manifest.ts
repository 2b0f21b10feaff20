import { type Descriptor, descriptorFromJson } from "./descriptor.ts";
import { ComposeImageError } from "./errors.ts";
import { isStringMap, type JsonObject } from "./json.ts";
import { isIndexMediaType, isManifestMediaType, mediaTypes } from "./media-types.ts";
import { type Invalid, parseJsonObject } from "./parse-json.ts";

/**
 * One image for one platform.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 */
export interface ImageManifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Bottom to top. */
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Several manifests, usually one a platform; Docker calls it a manifest list.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Largest manifest or index accepted, in bytes; registries must take at least this much. */
export const maxManifestSize = 4 * 1024 * 1024;

/** Most layers of an image, most manifests of an index: far above what any tool writes. */
const maxListLength = 10_000;

/**
 * Reads a manifest or an index.
 *
 * @param mediaType what the store says it is; the document's own `mediaType` must agree when it has one.
 * @param where names the image in errors: `builder registry.example/app:1`.
 * @throws ComposeImageError `MANIFEST_INVALID` for anything malformed, for a document that is manifest and index at
 *   once (CVE-2021-41190), and for Docker's schema 1; `LIMIT_EXCEEDED` for too large a document.
 */
export function parseManifest(
  bytes: Uint8Array,
  mediaType: string,
  where: string,
): ImageManifest | ImageIndex {
  const invalid = (what: string, hint?: string): ComposeImageError =>
    new ComposeImageError("MANIFEST_INVALID", `${where}: ${what}`, { hint });
  if (bytes.byteLength > maxManifestSize) {
    throw new ComposeImageError(
      "LIMIT_EXCEEDED",
      `${where}: the manifest is larger than ${maxManifestSize} bytes`,
    );
  }
  const document = parseJsonObject(bytes, invalid);
  const declared = document.mediaType;
  if (declared !== undefined && typeof declared !== "string") throw invalid("mediaType is not a string");
  if (declared !== undefined && isManifestMediaType(mediaType) && declared !== mediaType) {
    throw invalid(`the registry says ${mediaType}, the document says ${declared}`);
  }
  if (document.schemaVersion === 1) {
    throw invalid(
      "it is in Docker's schema 1, which has no content addresses",
      "Push the image again with a current tool.",
    );
  }
  if (document.schemaVersion !== 2) throw invalid("schemaVersion is not 2");
  const hasIndexParts = document.manifests !== undefined;
  const hasManifestParts = document.layers !== undefined || document.config !== undefined;
  if (hasIndexParts && hasManifestParts) {
    throw invalid(
      "the document is manifest and index at once",
      "Tools would disagree about what it holds (CVE-2021-41190).",
    );
  }
  const type = declared ?? (isManifestMediaType(mediaType) ? mediaType : undefined);
  if (type !== undefined && !isManifestMediaType(type)) throw invalid(`${type} is not an image's media type`);
  if (type !== undefined && isIndexMediaType(type) !== hasIndexParts) {
    throw invalid(
      `the media type is ${type}, but the document is ${hasIndexParts ? "an index" : "no index"}`,
    );
  }
  const annotations = annotationsOf(document, invalid);
  if (hasIndexParts) {
    return {
      kind: "index",
      mediaType: type ?? mediaTypes.oci.index,
      manifests: listOf(document.manifests, "manifests", invalid).map((entry, i) =>
        descriptorFromJson(entry, `entry ${i + 1} of ${where}`),
      ),
      annotations,
    };
  }
  return {
    kind: "manifest",
    mediaType: type ?? mediaTypes.oci.manifest,
    config: descriptorFromJson(document.config, `config of ${where}`),
    layers: listOf(document.layers, "layers", invalid).map((entry, i) =>
      descriptorFromJson(entry, `layer ${i + 1} of ${where}`),
    ),
    annotations,
  };
}

function listOf(value: unknown, name: string, invalid: Invalid): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  if (value.length > maxListLength)
    throw invalid(`${name} has ${value.length} entries, the limit is ${maxListLength}`);
  return value;
}

function annotationsOf(document: JsonObject, invalid: Invalid): Readonly<Record<string, string>> {
  const { annotations } = document;
  if (annotations === undefined || annotations === null) return {};
  if (!isStringMap(annotations)) throw invalid("annotations is not a map of strings");
  return annotations;
}

/** A manifest as bytes: two-space JSON with the fields in the specs' order, so the same manifest gives the same digest. */
export function encodeManifest(manifest: ImageManifest): Buffer {
  const { mediaType, config, layers, annotations } = manifest;
  return encodeJson({
    schemaVersion: 2,
    mediaType,
    config: descriptorToJson(config),
    layers: layers.map(descriptorToJson),
    ...(Object.keys(annotations).length > 0 && { annotations: sortedByKey(annotations) }),
  });
}

/** A document as bytes, with a fixed layout. */
export function encodeJson(document: JsonObject): Buffer {
  return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`, "utf8");
}

/** The map with its keys in bytewise order. */
export function sortedByKey(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** A descriptor as manifests write it. */
export function descriptorToJson(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, size, urls, annotations, platform, artifactType, data } = descriptor;
  return {
    mediaType,
    digest,
    size,
    ...(urls !== undefined && { urls: [...urls] }),
    ...(annotations !== undefined && { annotations: { ...annotations } }),
    ...(platform !== undefined && { platform: { ...platform } as unknown as JsonObject }),
    ...(artifactType !== undefined && { artifactType }),
    ...(data !== undefined && { data }),
  };
}
