import { parseDigest } from "../../model/digest.ts";
import type { ComposeImageError } from "../../model/errors.ts";
import type { ImageLocation } from "../../model/location.ts";
import { followImageStream, type ImageStreams } from "../../plan/image-streams.ts";
import { parseImage } from "../../plan/images.ts";
import { within } from "../../plan/within.ts";
import { faultAt, placeName } from "../yaml/located.ts";
import type { ImageObject } from "./build-config-shape.ts";

/** What an object of a BuildConfig is read with. */
export interface ImageObjects {
  readonly streams: ImageStreams;
  /** The BuildConfig's own, where an object names none. */
  readonly namespace: string | undefined;
}

/**
 * The image that an object of a BuildConfig names: `DockerImage`, or an image stream's `ImageStreamTag` or
 * `ImageStreamImage`.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID` with file, line, column and key.
 */
export function imageOf(object: ImageObject, { streams, namespace: own }: ImageObjects): ImageLocation {
  const { kind, name, place } = object;
  const what = placeName(place);
  if (kind === "DockerImage") {
    if (object.namespace === undefined) return parseImage(name, what);
    throw faultAt(
      place,
      "has a namespace, which a DockerImage has not",
      "Write all of the image's name below name.",
    );
  }
  if (kind !== "ImageStreamTag" && kind !== "ImageStreamImage") {
    throw faultAt(
      place,
      `has the kind ${JSON.stringify(kind)}, which is not known`,
      "Known are DockerImage, ImageStreamTag and ImageStreamImage.",
    );
  }
  const namespace = object.namespace ?? own;
  if (namespace === undefined) {
    throw faultAt(
      place,
      "does not say which namespace the image stream is in",
      "Write namespace: there, or in the BuildConfig's metadata.",
    );
  }
  const [stream = "", version = "", ...more] = name.split(kind === "ImageStreamTag" ? ":" : "@");
  if (stream === "" || version === "" || more.length > 0) throw malformed(object);
  const digestOrTag =
    kind === "ImageStreamTag" ? { tag: version } : { digest: within(what, () => parseDigest(version)) };
  return followImageStream({ namespace, name: stream, ...digestOrTag, what }, streams);
}

function malformed({ kind, name, place }: ImageObject): ComposeImageError {
  const form = kind === "ImageStreamTag" ? "NAME:TAG" : "NAME@sha256:…";
  return faultAt(place, `has the name ${JSON.stringify(name)}, which is not ${form}`, `Write ${form}.`);
}
