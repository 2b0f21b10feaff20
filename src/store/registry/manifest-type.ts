import { isJsonObject } from "../../model/json.ts";
import { isManifestMediaType, mediaTypes } from "../../model/media-types.ts";

/**
 * The media type of a manifest: the header's where it names one, else what the document says or looks like;
 * `undefined` when it is not a JSON object.
 */
export function manifestTypeOf(bytes: Uint8Array, contentType: string | undefined): string | undefined {
  if (contentType !== undefined && isManifestMediaType(contentType)) return contentType;
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isJsonObject(json)) return undefined;
  if (typeof json.mediaType === "string" && json.mediaType !== "") return json.mediaType;
  if (Array.isArray(json.manifests)) return mediaTypes.oci.index;
  if (Array.isArray(json.layers)) return mediaTypes.oci.manifest;
  return contentType ?? "application/json";
}
