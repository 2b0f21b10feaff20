import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import { maxConfigSize, parseConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type ImageManifest, parseManifest } from "../model/manifest.ts";
import { isIndexMediaType, mediaTypes } from "../model/media-types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { selectPlatform, servesPlatform } from "../model/select-platform.ts";
import type { ManifestSelector, Source } from "../store/source.ts";

const configTypes: readonly string[] = [mediaTypes.oci.config, mediaTypes.docker.config];

/**
 * What is copied of an image: all of it, or, as digests stay, of an index the one manifest for the platform.
 *
 * @throws ComposeImageError `MANIFEST_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH`, `FORMAT_UNSUPPORTED` for what
 *   is no image, and the source's.
 */
export async function chooseCopied(
  source: Source,
  selector: ManifestSelector,
  platform: Platform | undefined,
  call: Call,
): Promise<Descriptor> {
  const top = await source.resolve(selector, call);
  if (platform === undefined) return top;
  const name = `source ${source.name}${"tag" in selector ? `:${selector.tag}` : `@${selector.digest}`}`;
  const { bytes, descriptor } = await source.manifest({ digest: top.digest }, call);
  const manifest = parseManifest(bytes, descriptor.mediaType, name);
  if (manifest.kind === "index") return selectPlatform(manifest, platform, name);
  const { config } = manifest;
  expectImage(manifest, name);
  const configBytes = await collect(await source.fetch(config, call), maxConfigSize, `config of ${name}`);
  const actual = parseConfig(configBytes, name).platform;
  const variant = actual.variant ?? platform.variant;
  if (servesPlatform({ ...actual, ...(variant !== undefined && { variant }) }, platform)) return top;
  throw new ComposeImageError(
    "PLATFORM_MISMATCH",
    `${name} is for ${formatPlatform(actual)}, not for ${formatPlatform(platform)}`,
    { hint: "Leave out --platform to copy it as it is." },
  );
}

/**
 * Refuses what an archive of `docker save` cannot hold with its digest kept.
 *
 * @throws ComposeImageError `FORMAT_UNSUPPORTED`, and the source's.
 */
export async function expectLoadable(source: Source, copied: Descriptor, call: Call): Promise<void> {
  const name = `source ${source.name}@${copied.digest}`;
  if (isIndexMediaType(copied.mediaType)) {
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      `${name} is an index, and docker load takes one image`,
      { hint: "Choose one with --platform, or write an oci-archive:, which holds all." },
    );
  }
  const { bytes, descriptor } = await source.manifest({ digest: copied.digest }, call);
  const manifest = parseManifest(bytes, descriptor.mediaType, name);
  if (manifest.kind === "manifest") expectImage(manifest, name);
}

/** Whether a manifest is an image's, and no artifact's. */
export function isImage({ config }: Pick<ImageManifest, "config">): boolean {
  return configTypes.includes(config.mediaType);
}

function expectImage(manifest: ImageManifest, name: string): void {
  if (isImage(manifest)) return;
  const { config } = manifest;
  throw new ComposeImageError("FORMAT_UNSUPPORTED", `${name} is no image but ${config.mediaType}`, {
    hint: "Copy it to a registry, an oci: layout or an oci-archive:, without --platform.",
  });
}
