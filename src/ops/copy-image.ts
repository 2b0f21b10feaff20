import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { isSameEntry } from "../store/layout/kept-platforms.ts";
import type { ListedSource } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import type { GraphCopy } from "./copy-graph.ts";
import type { ReferrerCopy } from "./copy-referrers.ts";
import type { TagMoves } from "./tag-moves.ts";

/** What {@link copyImage} works with. */
export interface ImageCopyParts {
  readonly source: ListedSource;
  readonly target: Target;
  readonly graph: GraphCopy;
  /** `undefined` where referrers stay behind. */
  readonly referrers: ReferrerCopy | undefined;
  readonly moves: TagMoves;
}

/** One image that was copied. */
export interface CopiedImage {
  /** At the target; `undefined` where it is there by its digest alone. */
  readonly tag: string | undefined;
  readonly descriptor: Descriptor;
  /** Whether the tag named something else before, or was not there. */
  readonly isMoved: boolean;
}

/** Copies an image with what refers to it, and then moves its tag. A tag that has not moved says that all is there. */
export async function copyImage(
  descriptor: Descriptor,
  tag: string | undefined,
  { source, target, graph, referrers, moves }: ImageCopyParts,
  call: Call,
): Promise<CopiedImage> {
  const before = tag === undefined ? undefined : await target.find(tag, call);
  const isMoved = tag !== undefined && before?.digest !== descriptor.digest;
  const isNamed = tag !== undefined && !isMoved;
  const isComplete = isNamed && target.holdsWhole?.(descriptor.digest) === true && !graph.isPartial;
  const digests: readonly Digest[] =
    isComplete && referrers === undefined ? [] : await graph.bring(descriptor);
  for (const found of (await referrers?.copy(digests, call)) ?? []) {
    await moves.moveOnce(found.descriptor, found.tag, source, call);
  }
  // Layouts say besides which platforms of an index are there.
  const isOtherwise = before !== undefined && target.keep !== undefined && !isSameEntry(before, descriptor);
  if (tag === undefined) await moves.keep(descriptor, source, call);
  else if (isMoved || isOtherwise) await moves.move(descriptor, tag, source, call);
  return { tag, descriptor, isMoved };
}
