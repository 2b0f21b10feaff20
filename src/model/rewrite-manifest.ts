import type { Descriptor } from "./descriptor.ts";
import { ComposeImageError } from "./errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { descriptorToJson, encodeJson, sortedByKey } from "./manifest.ts";
import { parseJsonObject } from "./parse-json.ts";

/** What {@link rewriteManifest} changes. What is absent stays. */
export interface ManifestChanges {
  readonly config?: Descriptor;
  /** Replaces so many layers from the bottom. */
  readonly bottomLayers?: { readonly count: number; readonly by: readonly Descriptor[] };
  /** All of them; none at all where it is empty. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest with some parts changed, fields that this project does not know kept. */
export function rewriteManifest(bytes: Uint8Array, changes: ManifestChanges): Buffer {
  const { config, bottomLayers, annotations } = changes;
  const document = reread(bytes);
  const layers = Array.isArray(document.layers) ? document.layers : [];
  return encodeJson({
    ...document,
    ...(config !== undefined && { config: descriptorToJson(config) }),
    ...(bottomLayers !== undefined && {
      layers: [...bottomLayers.by.map(descriptorToJson), ...layers.slice(bottomLayers.count)],
    }),
    ...(annotations !== undefined && { annotations: annotationsOrNone(annotations) }),
  });
}

/** What becomes of an index's entry: it stays, goes, or names another manifest. */
export type EntryChange = "keep" | "drop" | Descriptor;

/**
 * An index with some entries changed, fields that this project does not know kept.
 *
 * @param changes one for each entry, in their order.
 * @param annotations all that the index is to have.
 */
export function rewriteIndex(
  bytes: Uint8Array,
  changes: readonly EntryChange[],
  annotations: Readonly<Record<string, string>>,
): Buffer {
  const document = reread(bytes);
  const entries = Array.isArray(document.manifests) ? document.manifests : [];
  const manifests = entries.flatMap((entry, i) => {
    const change = changes[i] ?? "keep";
    if (change === "drop" || !isJsonObject(entry)) return [];
    if (change === "keep") return [entry];
    const { data: _, ...rest } = entry;
    return [{ ...rest, digest: change.digest, size: change.size }];
  });
  return encodeJson({ ...document, manifests, annotations: annotationsOrNone(annotations) });
}

function annotationsOrNone(annotations: Readonly<Record<string, string>>): JsonObject | undefined {
  return Object.keys(annotations).length === 0 ? undefined : sortedByKey(annotations);
}

/** Bytes that have been read before. */
function reread(bytes: Uint8Array): JsonObject {
  return parseJsonObject(
    bytes,
    (what) => new ComposeImageError("INTERNAL", `a manifest that was read: ${what}`),
  );
}
