import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../model/manifest.ts";
import { isForeignLayerMediaType, isManifestMediaType } from "../model/media-types.ts";
import type { ListedSource } from "../store/source.ts";
import type { Target } from "../store/target.ts";

/** A place to load from: what is in it can be told from what is not. */
export type PartialSource = ListedSource & Pick<Target, "exists">;

/** What {@link findMissing} looks into. */
export interface MissingParts {
  readonly source: PartialSource;
  readonly target: Target;
  /** Other repositories of the target's site that may have what both lack. */
  readonly elsewhere: readonly Target[];
  /** Which of an index's manifests are meant; all of them where it is not set. */
  readonly wants?: ((child: Descriptor, siblings: readonly Descriptor[]) => boolean) | undefined;
  /** Most requests under way at once. */
  readonly jobs: number;
}

/** What an image needs and its source has not. */
export interface MissingContent {
  /** Blobs that another repository has, and which. */
  readonly held: ReadonlyMap<Digest, Target>;
  /** What nobody has, in the order of the image. */
  readonly missing: readonly Descriptor[];
  /** The manifests that were met, there or not. */
  readonly manifests: readonly Descriptor[];
}

/**
 * Looks for all that an image needs in its source, and for what is not there at the target. A manifest that the target has
 * is whole there.
 *
 * @throws ComposeImageError `MANIFEST_INVALID`, `DIGEST_MISMATCH` and the stores'.
 */
export async function findMissing(top: Descriptor, parts: MissingParts, call: Call): Promise<MissingContent> {
  const held = new Map<Digest, Target>();
  const { lacking, manifests } = await lookInto(top, parts, call);
  const missing: Descriptor[] = [];
  await forEachConcurrently(
    lacking,
    parts.jobs,
    async (descriptor, inner) => {
      if (await parts.target.exists(descriptor, inner)) return;
      const holder = isManifestMediaType(descriptor.mediaType)
        ? undefined
        : await firstWith(descriptor, parts.elsewhere, inner);
      if (holder === undefined) missing.push(descriptor);
      else held.set(descriptor.digest, holder);
    },
    call,
  );
  return { held, missing: lacking.filter((descriptor) => missing.includes(descriptor)), manifests };
}

/** What the source lacks of an image, each digest once. What is below an absent manifest cannot be known. */
async function lookInto(
  top: Descriptor,
  { source, wants }: MissingParts,
  call: Call,
): Promise<Pick<MissingContent, "manifests"> & { readonly lacking: readonly Descriptor[] }> {
  const lacking = new Map<Digest, Descriptor>();
  const manifests: Descriptor[] = [];
  const visit = async (descriptor: Descriptor): Promise<void> => {
    const { digest, mediaType } = descriptor;
    const isManifest = isManifestMediaType(mediaType);
    if (isManifest) manifests.push(descriptor);
    if (!(await source.exists(descriptor, call))) lacking.set(digest, descriptor);
    else if (isManifest) {
      const { bytes } = await source.manifest({ digest }, call);
      const manifest = parseManifest(bytes, mediaType, `source ${source.name}@${digest}`);
      for (const below of contentOf(manifest, wants)) await visit(below);
    }
  };
  await visit(top);
  return { lacking: [...lacking.values()], manifests };
}

function contentOf(
  manifest: ImageManifest | ImageIndex,
  wants: MissingParts["wants"],
): readonly Descriptor[] {
  if (manifest.kind === "manifest") {
    const own = manifest.layers.filter(({ mediaType }) => !isForeignLayerMediaType(mediaType));
    return [manifest.config, ...own];
  }
  const { manifests } = manifest;
  return wants === undefined ? manifests : manifests.filter((child) => wants(child, manifests));
}

async function firstWith(
  descriptor: Descriptor,
  repositories: readonly Target[],
  call: Call,
): Promise<Target | undefined> {
  for (const repository of repositories) if (await repository.exists(descriptor, call)) return repository;
  return undefined;
}
