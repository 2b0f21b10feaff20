import { type Digest, digestOf, isDigest } from "./digest.ts";
import { ComposeImageError } from "./errors.ts";
import { isJsonObject, isStringList, isStringMap, type JsonObject } from "./json.ts";
import { type Platform, platformFromJson } from "./platform.ts";

/**
 * What names a piece of content: its type, digest and size in bytes.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  /** Base64 of the content itself; never trusted without its digest. */
  readonly data?: string;
}

/** Largest blob size accepted, in bytes (1 TiB): larger sizes are nonsense or an attack. */
const maxBlobSize = 2 ** 40;

/**
 * Reads a descriptor; `where` names it in errors, for example `layer 3 of registry/app:1`.
 *
 * @throws ComposeImageError `MANIFEST_INVALID` for a missing or malformed field, `LIMIT_EXCEEDED` for a size above
 *   {@link maxBlobSize}.
 */
export function descriptorFromJson(value: unknown, where: string): Descriptor {
  const invalid = (what: string): ComposeImageError =>
    new ComposeImageError("MANIFEST_INVALID", `${where}: ${what}`);
  if (!isJsonObject(value)) throw invalid("the descriptor is not an object");
  const { mediaType, digest, size, urls, annotations, platform, artifactType, data } = value as JsonObject;
  if (typeof mediaType !== "string" || mediaType === "") throw invalid("the descriptor has no mediaType");
  if (!isDigest(digest)) throw invalid(`the descriptor's digest is ${JSON.stringify(digest) ?? "missing"}`);
  if (typeof size !== "number" || !Number.isInteger(size) || size < 0) {
    throw invalid(`the descriptor's size is ${JSON.stringify(size) ?? "missing"}`);
  }
  if (size > maxBlobSize) {
    throw new ComposeImageError(
      "LIMIT_EXCEEDED",
      `${where}: size ${size} is above the limit of ${maxBlobSize} bytes`,
    );
  }
  if (urls !== undefined && urls !== null && !isStringList(urls))
    throw invalid("urls is not a list of strings");
  if (annotations !== undefined && annotations !== null && !isStringMap(annotations)) {
    throw invalid("annotations is not a map of strings");
  }
  return {
    mediaType,
    digest,
    size,
    ...(isStringList(urls) && { urls }),
    ...(isStringMap(annotations) && { annotations }),
    ...(platform !== undefined && platform !== null && { platform: platformFromJson(platform, where) }),
    ...(typeof artifactType === "string" && { artifactType }),
    ...(typeof data === "string" && { data }),
  };
}

/** The descriptor of bytes in hand. */
export function describeBytes(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}
