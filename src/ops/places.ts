import type { Call } from "../io/call.ts";
import type { ImageLocation } from "../model/location.ts";
import { formatReference } from "../model/reference.ts";
import { type Stores, storeKey } from "../store/open-stores.ts";
import { type ImageBlob, type PushTarget, presentAt, uploadable } from "./push-image.ts";

/** A store the image goes to, with all the tags asked for there. */
export interface Place {
  readonly location: ImageLocation;
  readonly tags: readonly string[];
}

/** The stores of the targets, each once, in the order they were first named. */
export function placesOf(targets: readonly ImageLocation[]): Place[] {
  const places = new Map<string, { location: ImageLocation; tags: string[] }>();
  for (const location of targets) {
    const key = storeKey(location);
    const place = places.get(key) ?? { location, tags: [] };
    const tag = tagOf(location);
    if (tag !== undefined && !place.tags.includes(tag)) place.tags.push(tag);
    places.set(key, place);
  }
  return [...places.values()];
}

/** The tag an image gets; an archive of `docker save` has whole names, or none. */
function tagOf(location: ImageLocation): string | undefined {
  switch (location.transport) {
    case "registry":
      return location.reference.tag ?? "latest";
    case "docker-archive":
      return location.reference && formatReference(location.reference);
    default:
      return location.tag ?? "latest";
  }
}

/**
 * Opens the targets for writing, and asks which of the blobs they hold.
 *
 * @throws ComposeImageError when a target cannot be reached or may not be read: before any work is done.
 */
export async function openPlaces(
  targets: readonly ImageLocation[],
  blobs: readonly ImageBlob[],
  stores: Stores,
  jobs: number,
  call: Call,
): Promise<PushTarget[]> {
  const opened: PushTarget[] = [];
  for (const { location, tags } of placesOf(targets)) {
    const target = await stores.target(location, call);
    target.expect?.(uploadable(blobs).map(({ descriptor }) => descriptor));
    opened.push({ target, tags, held: await presentAt(target, blobs, jobs, call), sent: new Set() });
  }
  return opened;
}
