import { type Descriptor, descriptorFromJson } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { parseManifest } from "../model/manifest.ts";
import { isForeignLayerMediaType } from "../model/media-types.ts";
import { parseJsonObject } from "../model/parse-json.ts";

/** What a registry has to know of a manifest or index. */
export interface ManifestFacts {
  readonly mediaType: string;
  /** The config and layers that the registry itself has to hold: foreign layers are left out. */
  readonly blobs: readonly Digest[];
  /** An index's manifests. */
  readonly children: readonly Descriptor[];
  /** The manifest this one is about. It need not exist. */
  readonly subject?: Digest;
  /** As the referrers API tells it: the manifest's own, else the config's media type. */
  readonly artifactType?: string;
  /** Only kept where there is a subject. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads them.
 *
 * @throws ComposeImageError as `parseManifest` does.
 */
export function readManifestFacts(bytes: Uint8Array, mediaType: string, where: string): ManifestFacts {
  const manifest = parseManifest(bytes, mediaType, where);
  const invalid = (what: string) => new ComposeImageError("MANIFEST_INVALID", `${where}: ${what}`);
  const document = parseJsonObject(bytes, invalid);
  const subject =
    document.subject === undefined || document.subject === null
      ? undefined
      : descriptorFromJson(document.subject, `subject of ${where}`).digest;
  const ownType = typeof document.artifactType === "string" ? document.artifactType : "";
  const configType = manifest.kind === "manifest" ? manifest.config.mediaType : "";
  const artifactType = ownType || configType;
  return {
    mediaType: manifest.mediaType,
    blobs: manifest.kind === "manifest" ? blobsOf(manifest.config, manifest.layers) : [],
    children: manifest.kind === "index" ? manifest.manifests : [],
    ...(subject !== undefined && { subject, annotations: manifest.annotations }),
    ...(artifactType !== "" && { artifactType }),
  };
}

function blobsOf(config: Descriptor, layers: readonly Descriptor[]): readonly Digest[] {
  const own = layers.filter((layer) => !isForeignLayerMediaType(layer.mediaType));
  return [config.digest, ...own.map((layer) => layer.digest)];
}
