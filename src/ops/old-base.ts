import type { Call } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation, parseLocation } from "../model/location.ts";
import { familyOf } from "../model/media-types.ts";
import { formatPlatform } from "../model/platform.ts";
import type { Stores } from "../store/open-stores.ts";
import { type BuildpacksMetadata, buildpacksMetadata } from "./buildpacks.ts";
import { saidOf } from "./composed-layers.ts";
import { treePlatform } from "./edit-tree.ts";
import type { ImageTree, TreeImage } from "./image-tree.ts";
import { baseKeys, recordKeys } from "./record.ts";
import { type ResolvedImage, resolveImage } from "./resolve-image.ts";

/** What an image was made on. */
export interface OldBase {
  /** Absent where only its uppermost layer is known, as buildpacks name it, and the image is not to be had. */
  readonly image: ResolvedImage | undefined;
  /** So many of the application's layers, from the bottom, are its. */
  readonly layerCount: number;
  /** What buildpacks say of this very base; absent where they say nothing, or speak of one below it. */
  readonly buildpacks: BuildpacksMetadata | undefined;
}

/** Failures after which another name of the base is tried. */
const notThere: ReadonlySet<string> = new Set([
  "MANIFEST_NOT_FOUND",
  "PLATFORM_NOT_FOUND",
  "UNAUTHORIZED",
  "DENIED",
]);

/**
 * Finds what an image was made on, and proves it: the base's layers are the image's lowest, by the digests of what is in
 * them, position by position.
 *
 * @param given the base, when the user names it; else the image itself has to say, in its annotations or as buildpacks do.
 * @throws ComposeImageError `USAGE` where nothing says; `BASE_MISMATCH` with the first difference; what resolving throws.
 */
export async function findOldBase(
  stores: Stores,
  tree: ImageTree,
  image: TreeImage,
  given: ImageLocation | undefined,
  call: Call,
): Promise<OldBase> {
  const platform = treePlatform(image);
  const name = `${tree.name} (${formatPlatform(platform)})`;
  const resolve = (location: ImageLocation): Promise<ResolvedImage> =>
    resolveImage(stores, "old base", location, platform, call);
  const buildpacks = buildpacksMetadata(image.config.execution.Labels ?? {}, name);
  const found = (base: ResolvedImage): OldBase => proven(image, base, buildpacks, name);
  if (given !== undefined) return found(await resolve(given));
  const said = saidOf(image);
  const locations = saidLocations({ ...tree.index?.annotations, ...said }, name);
  if (locations.length > 0 && (buildpacks === undefined || speaksForItself(image))) {
    return found(await firstThere(locations, resolve));
  }
  if (buildpacks === undefined) {
    throw new ComposeImageError("USAGE", `nothing says what ${name} was made on`, {
      hint: "Name its base with --old-base.",
    });
  }
  const { topLayer, runImage } = buildpacks;
  const layerCount = image.config.diffIds.indexOf(topLayer) + 1;
  if (layerCount === 0) {
    throw new ComposeImageError(
      "BASE_MISMATCH",
      `${name} has no layer ${topLayer}, which its buildpacks call the uppermost of its base`,
      { hint: "Name its base with --old-base." },
    );
  }
  const resolved = runImage && (await firstThere([runImage], resolve).catch(ignoreNotThere));
  return resolved === undefined ? { image: undefined, layerCount, buildpacks } : found(resolved);
}

/** Whether the names of a base are an image's own, and not labels that it took over from its run image. */
function speaksForItself(image: TreeImage): boolean {
  return familyOf(image.manifest.mediaType) === "oci" || saidOf(image)[recordKeys.copy] !== undefined;
}

/**
 * The base by its digest, and by its tag, which may still be the same. An image has no say in what is on this machine.
 *
 * @throws ComposeImageError `REFERENCE_INVALID` for what is no reference.
 */
function saidLocations(said: Readonly<Record<string, string>>, name: string): ImageLocation[] {
  const base = said[baseKeys.name];
  if (base === undefined) return [];
  try {
    const location = parseLocation(base);
    if (location.transport !== "registry") return [];
    const digest = said[baseKeys.digest];
    if (digest === undefined) return [location];
    const { registry, repository } = location.reference;
    return [parseLocation(`${registry}/${repository}@${digest}`), location];
  } catch (cause) {
    if (!(cause instanceof ComposeImageError)) throw cause;
    throw new ComposeImageError(cause.code, `${name} says that it was made on no image: ${cause.message}`, {
      hint: "Its annotations or labels are wrong: name its base with --old-base.",
      cause,
    });
  }
}

async function firstThere(
  locations: readonly ImageLocation[],
  resolve: (location: ImageLocation) => Promise<ResolvedImage>,
): Promise<ResolvedImage> {
  let failure: unknown;
  for (const location of locations) {
    try {
      return await resolve(location);
    } catch (error) {
      ignoreNotThere(error);
      failure ??= error;
    }
  }
  const [first] = locations;
  if (!(failure instanceof ComposeImageError) || first === undefined) throw failure;
  throw new ComposeImageError(failure.code, failure.message, {
    hint: `The image says it was made on ${formatLocation(first)}: name another image with the same layers with --old-base.`,
    cause: failure,
  });
}

function ignoreNotThere(error: unknown): undefined {
  if (error instanceof ComposeImageError && notThere.has(error.code)) return undefined;
  throw error;
}

/** @throws ComposeImageError `BASE_MISMATCH` */
function proven(
  { config }: TreeImage,
  base: ResolvedImage,
  buildpacks: BuildpacksMetadata | undefined,
  name: string,
): OldBase {
  const { diffIds } = base.config;
  const differing = diffIds.findIndex((diffId, i) => diffId !== config.diffIds[i]);
  if (differing < 0) {
    const isMeant = buildpacks !== undefined && buildpacks.topLayer === diffIds.at(-1);
    return { image: base, layerCount: diffIds.length, buildpacks: isMeant ? buildpacks : undefined };
  }
  const own = config.diffIds[differing];
  const there = own === undefined ? "the image has no more layers" : `it is ${own} in the image`;
  throw new ComposeImageError(
    "BASE_MISMATCH",
    `${name} was not made on ${base.name}: layer ${differing + 1} is ${diffIds[differing]} in the base, ${there}`,
    { hint: "Name the image it was made on with --old-base, of the version it was made on." },
  );
}
