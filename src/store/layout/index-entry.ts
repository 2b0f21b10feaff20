import { type Descriptor, descriptorFromJson } from "../../model/descriptor.ts";
import type { JsonObject } from "../../model/json.ts";
import { platformToJson } from "../../model/platform.ts";

/** The annotation that holds a tag in a layout. */
export const refNameAnnotation = "org.opencontainers.image.ref.name";

/** The annotation with an image's whole name, registry included, as docker and containerd write and read it. */
export const imageNameAnnotation = "io.containerd.image.name";

/** One entry of `index.json`: what was understood of it, and the whole of it. */
export interface IndexEntry {
  readonly descriptor: Descriptor;
  /** As it is in the file, fields of other tools included. */
  readonly json: JsonObject;
}

/** A new entry. Annotations the descriptor had elsewhere are not taken along: they belong to that place. */
export function indexEntry(
  descriptor: Descriptor,
  annotations: Readonly<Record<string, string>> = {},
): IndexEntry {
  const { mediaType, digest, size, platform, artifactType } = descriptor;
  const json: JsonObject = {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(annotations).length > 0 && { annotations: { ...annotations } }),
    ...(platform !== undefined && { platform: platformToJson(platform) }),
  };
  return { descriptor: descriptorFromJson(json, "new entry of index.json"), json };
}

/** The entry's `org.opencontainers.image.ref.name`. */
export function refName(entry: IndexEntry): string | undefined {
  return entry.descriptor.annotations?.[refNameAnnotation];
}
