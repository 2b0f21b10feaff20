import { type Descriptor, descriptorFromJson } from "./descriptor.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest } from "./digest.ts";
import { ComposeImageError } from "./errors.ts";
import { descriptorToJson, encodeJson, parseManifest } from "./manifest.ts";
import { mediaTypes } from "./media-types.ts";
import { parseJsonObject } from "./parse-json.ts";
import { isTag } from "./reference.ts";

const cosignSuffixes = ["sig", "att", "sbom"] as const;

const referrerTag = /^(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})(?:\.(?:sig|att|sbom))?$/;

/**
 * The tag that lists a manifest's referrers where the registry does not; of the digest it has 64 characters at most.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export function fallbackTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}

/**
 * The tags that cosign gives to signatures, attestations and bills of materials of a manifest; none where its digest is too
 * long for a tag.
 *
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function cosignTags(subject: Digest): string[] {
  const tags = cosignSuffixes.map((suffix) => `${digestAlgorithm(subject)}-${digestHex(subject)}.${suffix}`);
  return tags.filter(isTag);
}

/** Whether a tag is one that {@link cosignTags} gives, for whatever manifest. */
export function isCosignTag(tag: string): boolean {
  const subject = subjectOfTag(tag);
  return subject !== undefined && tag !== fallbackTag(subject);
}

/** The manifest that a tag is about, by its very name; `undefined` for tags that people give. */
export function subjectOfTag(tag: string): Digest | undefined {
  const [, algorithm, hex] = referrerTag.exec(tag) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

/**
 * What a listing of referrers says of a manifest, and the manifest that it is about; `undefined` where it is about none, or
 * about itself.
 *
 * @throws ComposeImageError as `parseManifest` does.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function readReferrer(
  bytes: Uint8Array,
  { mediaType, digest, size }: Descriptor,
  where: string,
): { readonly subject: Digest; readonly descriptor: Descriptor } | undefined {
  const manifest = parseManifest(bytes, mediaType, where);
  const document = parseJsonObject(
    bytes,
    (what) => new ComposeImageError("MANIFEST_INVALID", `${where}: ${what}`),
  );
  if (document.subject === undefined || document.subject === null) return undefined;
  const subject = descriptorFromJson(document.subject, `subject of ${where}`).digest;
  if (subject === digest) return undefined;
  const ownType = typeof document.artifactType === "string" ? document.artifactType : "";
  const artifactType = ownType || (manifest.kind === "manifest" ? manifest.config.mediaType : "");
  const { annotations } = manifest;
  return {
    subject,
    descriptor: {
      mediaType: manifest.mediaType,
      digest,
      size,
      ...(artifactType !== "" && { artifactType }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
  };
}

/** The index that a {@link fallbackTag} names: the same descriptors in the same order give the same bytes. */
export function encodeFallbackIndex(referrers: readonly Descriptor[]): Buffer {
  return encodeJson({
    schemaVersion: 2,
    mediaType: mediaTypes.oci.index,
    manifests: referrers.map(descriptorToJson),
  });
}

/** Each referrer once, without the subject itself, in an order that depends on nothing else. */
export function sortedReferrers(referrers: readonly Descriptor[], subject: Digest): Descriptor[] {
  const byDigest = new Map(referrers.map((referrer) => [referrer.digest, referrer]));
  byDigest.delete(subject);
  return [...byDigest.values()].sort((a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0));
}
