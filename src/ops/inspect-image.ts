import { type Call, unstoppable } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { selectPlatform, servesPlatform } from "../model/select-platform.ts";
import { Stores } from "../store/open-stores.ts";
import type { RegistryClientOptions } from "../store/registry/client.ts";
import type { StoredManifest } from "../store/source.ts";
import { type ImageTree, readImageTree, type TreeChild } from "./image-tree.ts";

/** Options of {@link inspectImage} and {@link readRawManifest}; those of the registries are among them. */
export interface InspectOptions extends RegistryClientOptions {
  /** Leaves out the other platforms. Default: all are told of. */
  readonly platform?: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Most manifests read at once. Default 4. */
  readonly jobs?: number | undefined;
}

/**
 * Everything an image says of itself: manifests and configurations of all platforms. No layer is read.
 *
 * @throws ComposeImageError `PLATFORM_NOT_FOUND`; what {@link readImageTree} throws.
 */
export async function inspectImage(
  location: ImageLocation,
  options: InspectOptions = {},
): Promise<ImageTree> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  await using stores = new Stores(options);
  const tree = await readImageTree(stores, "image", location, options.jobs ?? 4, call);
  if (options.platform === undefined) return tree;
  return { ...tree, children: [childFor(tree, options.platform)] };
}

/**
 * The manifest or index that a reference stands for, as it is stored.
 *
 * @throws ComposeImageError as {@link inspectImage} does.
 */
export async function readRawManifest(
  location: ImageLocation,
  options: InspectOptions = {},
): Promise<StoredManifest> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  if (options.platform === undefined) {
    await using stores = new Stores(options);
    const { source, selector } = await stores.source(location, "image", call);
    return source.manifest(selector, call);
  }
  const [child] = (await inspectImage(location, options)).children;
  if (child !== undefined && "stored" in child) return child.stored;
  throw new ComposeImageError("MANIFEST_NOT_FOUND", `image ${formatLocation(location)} lacks that manifest`);
}

/** @throws ComposeImageError `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH` */
function childFor({ index, children, name }: ImageTree, platform: Platform): TreeChild {
  const entry = index && selectPlatform(index, platform, name);
  const child = children.find((each) => each.entry === entry);
  if (child === undefined) throw new ComposeImageError("INTERNAL", `${name}: an entry without its child`);
  if (entry === undefined && child.kind === "image" && !servesPlatform(child.config.platform, platform)) {
    const there = formatPlatform(child.config.platform);
    throw new ComposeImageError(
      "PLATFORM_MISMATCH",
      `${name} is for ${there}, not for ${formatPlatform(platform)}`,
    );
  }
  return child;
}
