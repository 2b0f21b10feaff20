import type { ImageLocation } from "../../model/location.ts";
import { imageStreamPattern } from "../../plan/image-streams.ts";
import { parseImage } from "../../plan/images.ts";
import { map } from "../yaml/collection-shapes.ts";
import type { Located } from "../yaml/located.ts";
import { text } from "../yaml/scalar-shapes.ts";

/** The key `imagestreams`: what images the names of image streams stand for. */
export const imageStreamsShape = map(text("an image", parseImage), "a mapping of image streams to images", {
  pattern: imageStreamPattern,
  hint: "An image stream's tag is written namespace/name:tag.",
});

/**
 * What a document says of image streams.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`
 */
export function imageStreamsIn(document: Located): Readonly<Record<string, ImageLocation>> {
  const entry = document.kind === "map" ? document.entries.get("imagestreams") : undefined;
  return entry === undefined ? {} : imageStreamsShape.read(entry.value);
}
