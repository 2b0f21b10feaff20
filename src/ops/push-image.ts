import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { OpenContent } from "../io/content.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { isForeignLayerMediaType } from "../model/media-types.ts";
import type { MountOrigin, StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";

/** A blob of the image, and where it can be had from. */
export interface ImageBlob {
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  /** Set where it can be mounted from. */
  readonly mountFrom: MountOrigin | undefined;
}

/** One place the image goes to. */
export interface PushTarget {
  readonly target: Target;
  /** Moved when everything is there, in this order. */
  readonly tags: readonly string[];
  /** Whether it held a blob before anything was sent, for those that it was asked about. */
  readonly held: ReadonlyMap<Digest, boolean>;
  /** Blobs sent there already. */
  readonly sent: Set<Digest>;
}

/** What {@link deliverImages} carries over. */
export interface ImageToPush {
  readonly layers: readonly ImageBlob[];
  readonly config: ImageBlob;
  readonly manifest: StoredManifest;
}

/**
 * Brings images to all targets: layers that are not there yet, the configurations, the manifests by their digests. What
 * several images share goes once. Moves no tag; `moveTags` does, when everything is there.
 *
 * @param jobs most blobs under way at once.
 */
export async function deliverImages(
  images: readonly ImageToPush[],
  targets: readonly PushTarget[],
  jobs: number,
  onTransfer: TransferListener,
  call: Call,
): Promise<void> {
  for (const blobs of [images.flatMap(({ layers }) => layers), images.map(({ config }) => config)]) {
    const deliveries = targets.flatMap((place) => uploadable(blobs).map((blob) => ({ place, blob })));
    await forEachConcurrently(
      deliveries,
      jobs,
      ({ place, blob }, inner) => deliver(blob, place, onTransfer, inner),
      call,
    );
  }
  for (const place of targets) {
    for (const image of images) await deliverManifest(image, place, jobs, onTransfer, call);
  }
}

/**
 * Writes the manifest under its digest. A registry that then does not know a blob, though it took it or said to have it,
 * is asked again for every one, and sent what it lacks, once.
 */
export async function deliverManifest(
  { layers, config, manifest }: ImageToPush,
  { target }: Pick<PushTarget, "target">,
  jobs: number,
  onTransfer: TransferListener,
  call: Call,
): Promise<void> {
  try {
    return await target.pushManifest(manifest, call);
  } catch (error) {
    if (!(error instanceof ComposeImageError) || error.code !== "BLOB_UNKNOWN") throw error;
  }
  const reason = "the registry does not know a blob of it";
  const what = `${target.name}@${manifest.descriptor.digest}`;
  onTransfer({ kind: "retry", store: target.name, what, attempt: 1, delayMs: 0, reason });
  await forEachConcurrently(
    uploadable([...layers, config]),
    jobs,
    async ({ descriptor, open }, inner) => {
      if (!(await target.exists(descriptor, inner))) await target.push(descriptor, open, inner);
    },
    call,
  );
  await target.pushManifest(manifest, call);
}

/** Brings a blob to a target that lacks it, mounted where that is possible. */
export async function deliver(
  { descriptor, mountFrom, open }: ImageBlob,
  { target, held, sent }: PushTarget,
  onTransfer: TransferListener,
  call: Call,
): Promise<void> {
  if (sent.has(descriptor.digest)) return;
  if (held.get(descriptor.digest) ?? (await target.exists(descriptor, call))) {
    onTransfer({ kind: "present", store: target.name, descriptor });
    return;
  }
  const isMounted = mountFrom !== undefined && (await target.mount(descriptor, mountFrom, call));
  if (!isMounted) await target.push(descriptor, open, call);
  sent.add(descriptor.digest);
}

/**
 * Which of the blobs a target has.
 *
 * @throws ComposeImageError the target's, so that one that cannot be reached or may not be read shows early.
 */
export async function presentAt(
  target: Target,
  blobs: readonly ImageBlob[],
  jobs: number,
  call: Call,
): Promise<Map<Digest, boolean>> {
  const present = new Map<Digest, boolean>();
  await forEachConcurrently(
    uploadable(blobs),
    jobs,
    async ({ descriptor }, inner) => {
      present.set(descriptor.digest, await target.exists(descriptor, inner));
    },
    call,
  );
  return present;
}

/** A blob that is made here, in hand as a whole. */
export function blobOfBytes(descriptor: Descriptor, bytes: Uint8Array): ImageBlob {
  return {
    descriptor,
    open: async () =>
      (async function* () {
        yield bytes;
      })(),
    mountFrom: undefined,
  };
}

/** Whether the target's registry can mount the blob from where it is. */
export function canMount({ mountFrom }: ImageBlob, target: Target): boolean {
  return mountFrom !== undefined && mountFrom.registry === target.mountOrigin?.registry;
}

/** Blobs that a target has to hold: each digest once, foreign layers left out. */
export function uploadable(blobs: readonly ImageBlob[]): ImageBlob[] {
  const held = blobs.filter(({ descriptor }) => !isForeignLayerMediaType(descriptor.mediaType));
  return [...new Map(held.map((blob) => [blob.descriptor.digest, blob])).values()];
}
