import type { Call } from "../io/call.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { StoredManifest } from "../store/source.ts";
import { bringImage, type ImageToPush, moveTags, type PushTarget } from "./push-image.ts";

/** What {@link pushIndex} carries over. */
export interface IndexToPush {
  /** Everything the index names. */
  readonly images: readonly ImageToPush[];
  readonly index: StoredManifest;
}

/**
 * Brings an index to all its targets: each image it names, blobs before manifests; then the index by its digest,
 * everywhere; and only when that is done the tags. A blob that several images share goes once. A failure moves no tag.
 *
 * @param jobs most blobs under way at once.
 */
export async function pushIndex(
  { images, index }: IndexToPush,
  targets: readonly PushTarget[],
  jobs: number,
  onTransfer: TransferListener,
  call: Call,
): Promise<void> {
  for (const image of images) await bringImage(image, targets, jobs, onTransfer, call);
  for (const { target } of targets) await target.pushManifest(index, call);
  await moveTags(index, targets, onTransfer, call);
}
