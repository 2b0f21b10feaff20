import type { Call } from "../io/call.ts";
import type { Side } from "../io/transfer.ts";
import type { ImageConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../model/manifest.ts";
import { isForeignLayerMediaType } from "../model/media-types.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../model/platform.ts";
import { platformsOf, selectPlatform, servesPlatform } from "../model/select-platform.ts";
import type { LocalSource } from "../plan/compose-plan.ts";
import type { Stores } from "../store/open-stores.ts";
import type { Source } from "../store/source.ts";
import { childManifest } from "./child-manifest.ts";
import { readConfig } from "./read-config.ts";
import { type ResolvedDirectory, resolveDirectory } from "./resolve-directory.ts";

/** An image for one platform, read as far as its configuration. */
export interface ResolvedImage {
  readonly side: Side;
  readonly location: ImageLocation;
  /** For messages: `builder registry.example/app:1`. */
  readonly name: string;
  /** What the reference stands for: an index, or the manifest itself. */
  readonly resolved: Descriptor;
  /** As the index has it, else as the configuration says. */
  readonly platform: Platform;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly source: Source;
}

/** What a reference stands for. */
interface TopImage {
  readonly name: string;
  readonly source: Source;
  readonly descriptor: Descriptor;
  readonly document: ImageManifest | ImageIndex;
}

/**
 * Resolves references down to one platform's manifest and configuration. What a reference stands for is asked once, so
 * that all platforms are of the same index, and an image that several platforms come down to is one object.
 */
export class ImageResolver {
  readonly #stores: Stores;
  readonly #namesPlatforms: boolean;
  readonly #tops = new Map<string, Promise<TopImage>>();
  readonly #images = new Map<string, Promise<ResolvedImage>>();
  readonly #directories = new Map<LocalSource, Promise<ResolvedDirectory>>();

  /** @param namesPlatforms whether the images' names tell their platforms: where there are several. */
  constructor(stores: Stores, namesPlatforms = false) {
    this.#stores = stores;
    this.#namesPlatforms = namesPlatforms;
  }

  /**
   * The image for a platform.
   *
   * @param platform as asked for; by default the only one, else this machine's.
   * @throws ComposeImageError `MANIFEST_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH`, `PLATFORM_UNSUPPORTED`,
   *   `MANIFEST_INVALID`, `CONFIG_INVALID` and the store's.
   */
  async resolve(
    side: Side,
    location: ImageLocation,
    platform: Platform | undefined,
    call: Call,
  ): Promise<ResolvedImage> {
    const top = await this.#top(side, location, call);
    const { name, document } = top;
    const flag = side === "builder" ? "--builder-platform" : "--platform";
    const entry = document.kind === "index" ? selectPlatform(document, platform, name, flag) : undefined;
    const image = await remembered(this.#images, `${name} ${entry?.digest}`, () =>
      this.#read(side, location, top, entry, call),
    );
    expectPlatform(image, platform);
    return image;
  }

  /** The platforms there are, normalised, attestations left out; that of a manifest that is alone is in its configuration. */
  async platforms(side: Side, location: ImageLocation, call: Call): Promise<readonly Platform[]> {
    const { document } = await this.#top(side, location, call);
    if (document.kind === "index") return platformsOf(document);
    return [normalizePlatform((await this.resolve(side, location, undefined, call)).platform)];
  }

  /** A directory of this machine, likewise one object for all. */
  directory(source: LocalSource): Promise<ResolvedDirectory> {
    const found = this.#directories.get(source) ?? resolveDirectory(source);
    this.#directories.set(source, found);
    return found;
  }

  #top(side: Side, location: ImageLocation, call: Call): Promise<TopImage> {
    const name = `${side} ${formatLocation(location)}`;
    return remembered(this.#tops, name, async () => {
      const { source, selector } = await this.#stores.source(location, side, call);
      const { descriptor, bytes } = await source.manifest(selector, call);
      return { name, source, descriptor, document: parseManifest(bytes, descriptor.mediaType, name) };
    });
  }

  async #read(
    side: Side,
    location: ImageLocation,
    { name: topName, source, descriptor, document }: TopImage,
    entry: Descriptor | undefined,
    call: Call,
  ): Promise<ResolvedImage> {
    const manifest =
      document.kind === "manifest" ? document : await childManifest(source, document, entry, topName, call);
    const hasPlatform = this.#namesPlatforms && entry?.platform !== undefined;
    const name = hasPlatform ? `${topName} (${formatPlatform(entry.platform)})` : topName;
    const config = await readConfig(source, manifest, name, call);
    const platform = entry?.platform ?? config.platform;
    return { side, location, name, resolved: descriptor, platform, manifest, config, source };
  }
}

/** Resolves a single reference, as {@link ImageResolver.resolve} does. */
export function resolveImage(
  stores: Stores,
  side: Side,
  location: ImageLocation,
  platform: Platform | undefined,
  call: Call,
): Promise<ResolvedImage> {
  return new ImageResolver(stores).resolve(side, location, platform, call);
}

/** Compressed bytes of the layers that a registry holds, each blob once. */
export function layersSize(layers: Iterable<Descriptor>): number {
  const distinct = new Map(Array.from(layers, (layer) => [layer.digest, layer]));
  return [...distinct.values()]
    .filter(({ mediaType }) => !isForeignLayerMediaType(mediaType))
    .reduce((sum, { size }) => sum + size, 0);
}

/** @throws ComposeImageError `PLATFORM_UNSUPPORTED`, `PLATFORM_MISMATCH`, `CONFIG_INVALID` */
function expectPlatform({ side, name, manifest, config }: ResolvedImage, wanted: Platform | undefined): void {
  const actual = config.platform;
  if (actual.os === "windows") {
    throw new ComposeImageError("PLATFORM_UNSUPPORTED", `${name} is a Windows image`, {
      hint: "Layers of Windows images are laid out differently; only Linux images can be composed.",
    });
  }
  if (wanted !== undefined && !servesPlatform({ ...actual, ...variantOf(wanted, actual) }, wanted)) {
    throw new ComposeImageError(
      "PLATFORM_MISMATCH",
      `${name} is for ${formatPlatform(actual)}, not for ${formatPlatform(wanted)}`,
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
}

/** What was found under a key before, or is found now. What fails is not asked again: it ends the run. */
function remembered<T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? find();
  known.set(key, found);
  return found;
}

/** A config often leaves its variant out; then the platform's own counts. */
function variantOf(platform: Platform, actual: Platform): { variant?: string } {
  return actual.variant === undefined && platform.variant !== undefined ? { variant: platform.variant } : {};
}
