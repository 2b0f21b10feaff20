import { type Invalid, parseJsonObject } from "../../model/parse-json.ts";

/** Largest `oci-layout` read, in bytes. */
export const maxLayoutFileSize = 64 * 1024;

/** What `oci-layout` holds where it is written here. */
export const layoutFile = '{"imageLayoutVersion":"1.0.0"}';

/**
 * Fails unless the bytes are an `oci-layout` of a version that is known.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#oci-layout-file
 */
export function expectLayoutVersion(bytes: Uint8Array, invalid: Invalid): void {
  const version = parseJsonObject(bytes, invalid).imageLayoutVersion;
  if (typeof version !== "string" || !version.startsWith("1.")) {
    throw invalid(`the layout version is ${JSON.stringify(version) ?? "missing"}, not 1.x`);
  }
}
