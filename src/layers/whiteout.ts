import { ComposeImageError } from "../model/errors.ts";
import type { ByteString } from "../tar/byte-string.ts";
import { childPath, displayPath, type ImagePath, nameOf, parentOf } from "./path.ts";

/**
 * What an entry's path means in a layer.
 *
 * - `entry`: a file of the image.
 * - `whiteout`: everything lower layers have at `path` is gone.
 * - `opaque`: everything lower layers have below `path` is gone.
 * - `aufs`: the bookkeeping of an AUFS host; not part of the image, though hardlinks may point at it.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
export type EntryMeaning = {
  readonly kind: "entry" | "whiteout" | "opaque" | "aufs";
  readonly path: ImagePath;
};

const prefix = ".wh.";
const aufsPrefix = ".wh..wh.";
const opaqueName = ".wh..wh..opq";

/**
 * Says what the entry at a cleaned path means.
 *
 * @param subject the layer, for messages.
 * @throws ComposeImageError `LAYER_INVALID` for a marker that names nothing or a directory (`.wh.`, `.wh..`, `.wh...`),
 *   and for a marker in the middle of a path.
 */
export function parseWhiteout(path: ImagePath, subject: string): EntryMeaning {
  if (!path.includes(prefix)) return { kind: "entry", path };
  const invalid = (what: string): ComposeImageError =>
    new ComposeImageError("LAYER_INVALID", `${subject}: ${displayPath(path)} ${what}`, {
      hint: "The layer breaks the image-spec's rules for whiteouts; build it again.",
    });
  const directory = parentOf(path);
  for (const component of directory.split("/")) {
    if (component.startsWith(aufsPrefix)) return { kind: "aufs", path };
    if (component.startsWith(prefix)) throw invalid("lies below a whiteout marker");
  }
  const name = nameOf(path);
  if (!name.startsWith(prefix)) return { kind: "entry", path };
  if (name === opaqueName) return { kind: "opaque", path: directory };
  if (name.startsWith(aufsPrefix)) return { kind: "aufs", path };
  const hidden = name.slice(prefix.length);
  if (hidden === "" || hidden === "." || hidden === "..")
    throw invalid("is a whiteout marker that names no file");
  return { kind: "whiteout", path: childPath(directory, hidden as ByteString) };
}

/**
 * A file of an image must not be named like a marker, whatever symlinks and destinations lead there: whoever unpacks
 * the new layer would take it for a whiteout, and delete a file of the base.
 *
 * @throws ComposeImageError `LAYER_INVALID`
 */
export function expectNoMarker(name: ByteString, path: ImagePath): void {
  if (!name.startsWith(prefix)) return;
  throw new ComposeImageError(
    "LAYER_INVALID",
    `${displayPath(path)} would be a file that is named like a whiteout`,
    {
      hint: "A layer cannot hold such a file. Choose another destination, if it is yours; else the image is hostile.",
    },
  );
}
