import type { Call } from "../io/call.ts";
import type { Side } from "../io/transfer.ts";
import type { ImageConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { type ImageManifest, parseManifest } from "../model/manifest.ts";
import { isForeignLayerMediaType } from "../model/media-types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { selectPlatform, servesPlatform } from "../model/select-platform.ts";
import type { Stores } from "../store/open-stores.ts";
import type { Source } from "../store/source.ts";
import { readConfig } from "./read-config.ts";

/** An image for one platform, read as far as its configuration. */
export interface ResolvedImage {
  readonly side: Side;
  readonly location: ImageLocation;
  /** For messages: `builder registry.example/app:1`. */
  readonly name: string;
  /** What the reference stands for: an index, or the manifest itself. */
  readonly resolved: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly source: Source;
}

/**
 * Resolves a reference down to one platform's manifest and configuration.
 *
 * @param platform as asked for; by default the only one, else this machine's.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH`, `PLATFORM_UNSUPPORTED`,
 *   `MANIFEST_INVALID`, `CONFIG_INVALID` and the store's.
 */
export async function resolveImage(
  stores: Stores,
  side: Side,
  location: ImageLocation,
  platform: Platform | undefined,
  call: Call,
): Promise<ResolvedImage> {
  const name = `${side} ${formatLocation(location)}`;
  const { source, selector } = await stores.source(location, side, call);
  const stored = await source.manifest(selector, call);
  const top = parseManifest(stored.bytes, stored.descriptor.mediaType, name);
  const flag = side === "builder" ? "--builder-platform" : "--platform";
  const manifest =
    top.kind === "manifest"
      ? top
      : await childManifest(source, selectPlatform(top, platform, name, flag), name, call);
  const config = await readConfig(source, manifest, name, call);
  const actual = config.platform;
  if (actual.os === "windows") {
    throw new ComposeImageError("PLATFORM_UNSUPPORTED", `${name} is a Windows image`, {
      hint: "Layers of Windows images are laid out differently; only Linux images can be composed.",
    });
  }
  if (platform !== undefined && !servesPlatform({ ...actual, ...variantOf(platform, actual) }, platform)) {
    throw new ComposeImageError(
      "PLATFORM_MISMATCH",
      `${name} is for ${formatPlatform(actual)}, not for ${formatPlatform(platform)}`,
      {
        hint:
          side === "builder"
            ? "If the files copied do not depend on the architecture, say which builder to take with --builder-platform; a stage that names its platform, with FROM --platform."
            : "Choose another --platform or another image.",
      },
    );
  }
  const diffIds = config.diffIds.length;
  if (diffIds !== manifest.layers.length) {
    throw new ComposeImageError(
      "CONFIG_INVALID",
      `config of ${name}: it has ${diffIds} diff_ids, the manifest has ${manifest.layers.length} layers`,
    );
  }
  return { side, location, name, resolved: stored.descriptor, manifest, config, source };
}

/** Compressed bytes of the layers that a registry holds. */
export function layersSize({ layers }: Pick<ImageManifest, "layers">): number {
  return layers
    .filter(({ mediaType }) => !isForeignLayerMediaType(mediaType))
    .reduce((sum, { size }) => sum + size, 0);
}

async function childManifest(
  source: Source,
  entry: Descriptor,
  name: string,
  call: Call,
): Promise<ImageManifest> {
  const { bytes, descriptor } = await source.manifest({ digest: entry.digest }, call);
  const manifest = parseManifest(bytes, descriptor.mediaType, name);
  if (manifest.kind === "manifest") return manifest;
  throw new ComposeImageError("MANIFEST_INVALID", `${name}: the index holds another index for its platform`);
}

/** A config often leaves its variant out; then the platform's own counts. */
function variantOf(platform: Platform, actual: Platform): { variant?: string } {
  return actual.variant === undefined && platform.variant !== undefined ? { variant: platform.variant } : {};
}
