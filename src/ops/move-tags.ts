import type { Call } from "../io/call.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { Digest } from "../model/digest.ts";
import type { StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import type { PushTarget } from "./push-image.ts";

/** What a target's tag is to name: an image's manifest, or an index. Where there is no tag, what the target is to hold. */
export type TopManifest = (target: Target, tag: string | undefined, call: Call) => Promise<StoredManifest>;

/** What one target was given, and the tags that name it. */
export interface MovedTags {
  readonly target: Target;
  readonly manifest: StoredManifest;
  readonly tags: readonly string[];
}

/**
 * Makes the targets' tags name their manifests, once everything below these is there: indexes are written by their
 * digests, everywhere; and only when that is done the tags are moved, one after the other. A failure before moves none.
 *
 * @param delivered manifests that are there by their digests.
 */
export async function moveTags(
  targets: readonly PushTarget[],
  topOf: TopManifest,
  delivered: ReadonlySet<Digest>,
  onTransfer: TransferListener,
  call: Call,
): Promise<MovedTags[]> {
  const moves = [];
  for (const { target, tags } of targets) {
    const byDigest = new Map<Digest, { target: Target; manifest: StoredManifest; tags: string[] }>();
    for (const tag of tags.length === 0 ? [undefined] : tags) {
      const manifest = await topOf(target, tag, call);
      const { digest } = manifest.descriptor;
      const move = byDigest.get(digest) ?? { target, manifest, tags: [] };
      if (tag !== undefined) move.tags.push(tag);
      byDigest.set(digest, move);
    }
    moves.push(...byDigest.values());
  }
  for (const { target, manifest } of moves) {
    if (!delivered.has(manifest.descriptor.digest)) await target.pushManifest(manifest, call);
  }
  for (const { target } of targets) {
    const tagged: (() => void)[] = [];
    for (const { manifest, tags } of moves.filter((move) => move.target === target)) {
      const { descriptor } = manifest;
      for (const tag of tags) {
        await target.tag(manifest, tag, call);
        const tell = (): void => onTransfer({ kind: "tagged", store: target.name, descriptor, tag });
        if (target.commit === undefined) tell();
        else tagged.push(tell);
      }
    }
    await target.commit?.(call);
    for (const tell of tagged) tell();
  }
  return moves;
}
