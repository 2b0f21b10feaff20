import type { Call } from "../io/call.ts";
import { isIndexMediaType } from "../model/media-types.ts";
import { fallbackTag, subjectOfTag } from "../model/referrers.ts";
import type { ListedSource } from "../store/source.ts";

/**
 * Of a repository's tags those that name images: neither what cosign tags, nor what lists referrers. A tag that is called
 * like a list of referrers and names no index is one like others.
 */
export async function imageTags(
  tags: readonly string[],
  source: ListedSource,
  call: Call,
): Promise<string[]> {
  const found: string[] = [];
  for (const tag of tags) {
    const subject = subjectOfTag(tag);
    if (subject !== undefined) {
      const named = tag === fallbackTag(subject) ? await source.find(tag, call) : undefined;
      if (named === undefined || isIndexMediaType(named.mediaType)) continue;
    }
    found.push(tag);
  }
  return found;
}
