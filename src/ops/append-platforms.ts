import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../model/manifest.ts";
import { familyOf, isConfigMediaType } from "../model/media-types.ts";
import { formatPlatform } from "../model/platform.ts";
import type { StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import { readConfig } from "./read-config.ts";

/** The annotation by which BuildKit's attestations name the manifest they are about. */
const attestedDigest = "vnd.docker.reference.digest";

const baseKeys = ["org.opencontainers.image.base.digest", "org.opencontainers.image.base.name"];

/**
 * The index with what a tag names already: entries for other platforms stay, those for the same are replaced in their
 * places, with what attests them; a manifest that is alone becomes an entry. Where the tag names nothing, the index as it
 * is.
 *
 * @throws ComposeImageError `FORMAT_UNSUPPORTED` where the tag names something that cannot be in this index;
 *   `MANIFEST_NOT_FOUND` where entries' manifests are missing; the target's.
 */
export async function appendToTag(
  index: ImageIndex,
  target: Target,
  tag: string,
  call: Call,
): Promise<ImageIndex> {
  const name = `target ${target.name}:${tag}`;
  const stored = await existing(target, tag, call);
  if (stored === undefined) return index;
  const there = parseManifest(stored.bytes, stored.descriptor.mediaType, name);
  const entries =
    there.kind === "index" ? there.manifests : [await entryOf(there, stored.descriptor, target, name, call)];
  const own = new Map(index.manifests.map((entry) => [platformName(entry), entry]));
  const replaced = entries.filter((entry) => isImage(entry) && own.has(platformName(entry)));
  const gone = new Set<string>(replaced.map(({ digest }) => digest));
  const left = entries.filter(
    (entry) => replaced.includes(entry) || !gone.has(entry.annotations?.[attestedDigest] ?? ""),
  );
  const kept = left.filter((entry) => !replaced.includes(entry));
  expectFamily(kept.filter(isImage), index, name);
  await expectPresent(kept, target, name, call);
  const manifests = left.flatMap((entry) => {
    if (!replaced.includes(entry)) return entry;
    const platform = platformName(entry);
    const successor = own.get(platform);
    own.delete(platform);
    return successor ?? [];
  });
  return {
    ...index,
    manifests: [...manifests, ...own.values()],
    annotations: mergedAnnotations(
      there.kind === "index" ? there.annotations : {},
      index,
      kept.some(isImage),
    ),
  };
}

async function existing(target: Target, tag: string, call: Call): Promise<StoredManifest | undefined> {
  try {
    return await target.manifest({ tag }, call);
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The entry that an index would have for an image that has been alone so far. */
async function entryOf(
  { config }: ImageManifest,
  { mediaType, digest, size }: Descriptor,
  target: Target,
  name: string,
  call: Call,
): Promise<Descriptor> {
  if (!isConfigMediaType(config.mediaType)) {
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      `${name} is not an image but ${config.mediaType}, which cannot be kept beside images`,
      { hint: "Push to another tag, or without --append-platforms, which replaces it." },
    );
  }
  const { platform } = await readConfig(target, { config }, name, call);
  return { mediaType, digest, size, platform };
}

/** Whether an entry is one platform's image; others are attestations and the like. */
function isImage({ platform }: Descriptor): boolean {
  return platform !== undefined && platform.os !== "unknown";
}

function platformName({ platform }: Descriptor): string {
  return platform === undefined ? "" : formatPlatform(platform);
}

function expectFamily(kept: readonly Descriptor[], index: ImageIndex, name: string): void {
  const family = familyOf(index.mediaType);
  const other = kept.find(({ mediaType }) => familyOf(mediaType) !== family);
  if (other === undefined) return;
  throw new ComposeImageError(
    "FORMAT_UNSUPPORTED",
    `${name} has ${platformName(other)} in the ${familyOf(other.mediaType)} format, and an index is of one format`,
    { hint: `Compose with --format ${familyOf(other.mediaType)}, or push to another tag.` },
  );
}

async function expectPresent(
  kept: readonly Descriptor[],
  target: Target,
  name: string,
  call: Call,
): Promise<void> {
  const missing = [];
  for (const entry of kept) if (!(await target.exists(entry, call))) missing.push(entry);
  if (missing.length === 0) return;
  const named = missing.map((entry) => `${entry.digest} (${platformName(entry) || "no platform"})`);
  throw new ComposeImageError(
    "MANIFEST_NOT_FOUND",
    `${name}: its index names manifests that are not there: ${named.join(", ")}`,
    { hint: "Push those again, or push without --append-platforms, which leaves them out." },
  );
}

/** What is said of the base holds only where it holds for all entries. */
function mergedAnnotations(
  there: Readonly<Record<string, string>>,
  { mediaType, annotations }: ImageIndex,
  keepsImages: boolean,
): Readonly<Record<string, string>> {
  if (familyOf(mediaType) === "docker") return {};
  const merged = { ...there, ...annotations };
  const differs = baseKeys.some((key) => there[key] !== annotations[key]);
  if (!keepsImages || !differs) return merged;
  return Object.fromEntries(Object.entries(merged).filter(([key]) => !baseKeys.includes(key)));
}
